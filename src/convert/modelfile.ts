/**
 * An Ollama Modelfile for the two files of one conversion: what they are, the prompt of their dialect, what ends an answer, and
 * the checkpoint's own sampling.
 * @see ollama docs/modelfile.mdx, docs/template.mdx
 */
import { basename } from 'node:path';
import { type Dialect, dialectRules } from '../dialect.js';
import type { DecoderFile } from '../gguf/decoder-file.js';
import { ggufStrings } from '../gguf/metadata.js';

export interface ModelfileFacts {
  /** Names or paths; the Modelfile lies beside the files. */
  model: string;
  mmproj: string;
  dialect: Dialect;
  decoder: Pick<DecoderFile, 'sampling' | 'nCtxTrain' | 'eosTokens' | 'gguf'>;
  license?: string | undefined;
}

/** Ollama's own default is too small for a picture of many tiles. */
const CONTEXT = 16384;

export function modelfileText({
  model,
  mmproj,
  dialect,
  decoder,
  license,
}: ModelfileFacts): string {
  const { template } = dialectRules(dialect);
  const { sampling, nCtxTrain } = decoder;
  const parameters: [name: string, value: number | undefined][] = [
    ['num_ctx', Math.min(nCtxTrain, CONTEXT)],
    ['temperature', sampling.temperature],
    ['top_k', sampling.topK],
    ['top_p', sampling.topP],
    ['repeat_penalty', sampling.repetitionPenalty],
    // The whole answer, as transformers counts it.
    ['repeat_last_n', sampling.repetitionPenalty === undefined ? undefined : -1],
  ];
  return [
    '# Made by llava-onevision: ollama create NAME -f Modelfile',
    '# Ollama cuts and places pictures in its own way, not as the model was trained, and answers about them differ.',
    `FROM ./${basename(model)}`,
    `FROM ./${basename(mmproj)}`,
    `TEMPLATE """${ollamaTemplate(template)}"""`,
    ...(template.defaultSystem === null ? [] : [`SYSTEM """${template.defaultSystem}"""`]),
    ...endTexts(decoder, dialect).map((text) => `PARAMETER stop ${quoted(text)}`),
    ...parameters
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `PARAMETER ${name} ${Number(value!.toPrecision(6))}`),
    ...(license ? [`LICENSE """${license}"""`] : []),
    '',
  ].join('\n');
}

/** What ends an answer here: the file's own tokens, and the dialect's that its vocabulary has. */
function endTexts({ eosTokens, gguf }: ModelfileFacts['decoder'], dialect: Dialect): string[] {
  const tokens = ggufStrings(gguf, 'tokenizer.ggml.tokens');
  const known = dialectRules(dialect).stopTokens.filter((text) => tokens.includes(text));
  return [...new Set([...eosTokens.map((id) => tokens[id]!), ...known])];
}

function quoted(text: string): string {
  return text.includes('"') ? `"""${text}"""` : `"${text}"`;
}

/** In Go's template language; Ollama puts the system message among the messages, and pictures before a message's text. */
function ollamaTemplate({
  afterRole,
  afterEnd,
  mediaFirst,
}: ReturnType<typeof dialectRules>['template']): string {
  const content = `${mediaFirst ? '\n' : ''}{{ .Content }}`;
  return (
    `{{- range .Messages }}<|im_start|>{{ .Role }}${afterRole}${content}<|im_end|>${afterEnd}{{ end }}` +
    '<|im_start|>assistant\n'
  );
}
