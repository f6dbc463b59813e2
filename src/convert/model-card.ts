/** A model card for the two files of one conversion: README.md with the header that the Hugging Face hub reads. */
import { basename } from 'node:path';
import { packageVersion } from '../addon/package-root.js';
import type { Dialect } from '../dialect.js';
import { checksumPath } from '../gguf/checksum-file.js';
import { type GgufFile, isGgufArray } from '../gguf/reader.js';
import type { WrittenFile } from './output-files.js';

export interface CardFacts {
  model: WrittenFile;
  mmproj: WrittenFile;
  outtype: string;
  mmprojOuttype: string;
  dialect: Dialect;
  /** Whether there are NAME.sha256 files. */
  checksumFiles: boolean;
  /** The decoder's metadata. */
  metadata: GgufFile['metadata'];
}

export function modelCardText(facts: CardFacts): string {
  const { model, mmproj, dialect, metadata, checksumFiles } = facts;
  const text = (key: string) => {
    const value = metadata.get(`general.${key}`);
    return typeof value === 'string' ? value : undefined;
  };
  const [modelName, mmprojName] = [basename(model.path), basename(mmproj.path)];
  const checksums = [modelName, mmprojName].map(checksumPath).join(' ');
  const repo = text('source.huggingface.repository');
  const source = repo ? `[${repo}](${text('source.url')})` : 'a LLaVA-OneVision checkpoint';
  return `${header(metadata)}
# ${text('name')} in GGUF

Made from ${source} by llava-onevision ${packageVersion()}. One decoder and one mmproj (vision tower, projector and newline
vector) belong together.

| File | | Type | Bytes | SHA-256 |
|---|---|---|---|---|
${fileRows(facts).join('\n')}

${checksumFiles ? `\`sha256sum -c ${checksums}\` checks them. ` : ''}The SHA-256 of the weights they were made of is
\`${text('source.sha256')}\` (\`general.source.sha256\` in both).

## Use

\`\`\`
npx llava-onevision run --model ${modelName} --mmproj ${mmprojName} --image photo.jpg --prompt "What is shown in this image?"
\`\`\`

Pictures, several pictures, video and conversation are treated as ${dialect === 'llava-next' ? 'LLaVA-NeXT, whose code trained the model,' : 'transformers'} does it.

## In other programs

Both files open in programs built on llama.cpp, and text is answered as it should be. About pictures they answer
differently: llama.cpp (v0.5.0) puts the overview after the tiles instead of before them, keeps the rows that are only padding, leaves
out the newline vector after each row, does not shrink large pictures, does not pool the frames of a video, and uses another GELU in
the projector.
`;
}

/** Values are those that checkpoint-card.ts let through: plain words and URLs. */
function header(metadata: GgufFile['metadata']): string {
  const get = (key: string): string[] => {
    const value = metadata.get(`general.${key}`);
    if (value === undefined) return [];
    return isGgufArray(value) ? Array.from(value.values, String) : [String(value)];
  };
  const scalar = (name: string, key: string) => get(key).map((value) => `${name}: ${value}`);
  const list = (name: string, values: string[]) =>
    values.length === 0 ? [] : [`${name}:`, ...values.map((value) => `- ${JSON.stringify(value)}`)];
  const tags = new Set(['gguf', 'llava-onevision', 'multimodal', ...get('tags')]);
  return [
    '---',
    ...scalar('license', 'license'),
    ...scalar('license_name', 'license.name'),
    ...scalar('license_link', 'license.link'),
    ...list('language', get('languages')),
    ...scalar('base_model', 'source.huggingface.repository'),
    ...(get('source.huggingface.repository').length > 0 ? ['base_model_relation: quantized'] : []),
    'pipeline_tag: image-text-to-text',
    'library_name: gguf',
    ...list('tags', [...tags]),
    '---',
    '',
  ].join('\n');
}

function fileRows({ model, mmproj, outtype, mmprojOuttype }: CardFacts): string[] {
  const rows = (file: WrittenFile, what: string, type: string) =>
    (file.parts ?? [file]).map(
      ({ path, bytes, sha256 }) =>
        `| ${basename(path)} | ${what} | ${type} | ${bytes.toLocaleString('en')} | \`${sha256}\` |`,
    );
  return [...rows(model, 'decoder', outtype), ...rows(mmproj, 'mmproj', mmprojOuttype)];
}
