/**
 * The decoder as llama.cpp's `qwen2`: metadata, vocabulary and tensors. Sizes come from config.json and are checked
 * against every tensor; the vocabulary has as many entries as the embedding matrix has rows.
 * @see conversion/base.py, conversion/qwen.py, gguf-py/gguf/constants.py (llama.cpp v0.5.0)
 */
import { join } from 'node:path';
import { decoderTensors } from '../gguf/decoder-tensors.js';
import { chatTemplate } from './chat-template.js';
import { checkpointError } from './checkpoint-error.js';
import { decoderType } from './decoder-types.js';
import { generalEntries } from './general-entries.js';
import { checkTokenIds, eosTokens, samplingEntries } from './generation-defaults.js';
import {
  fallbackNotes,
  type GgufEntry,
  type GgufPlan,
  type PlannedTensor,
  type PlanSource,
  requireTensor,
} from './gguf-plan.js';
import { type Imatrix, imatrixUse, importanceOf } from './imatrix.js';
import {
  type JsonFile,
  jsonBoolean,
  jsonChoice,
  jsonEpsilon,
  jsonInteger,
  jsonTokenId,
  readOptionalJsonFile,
  wrongField,
} from './json-file.js';
import { baseType, type Outtype } from './outtypes.js';
import { ropeEntries } from './rope-entries.js';
import { checkSpecials, readVocabulary, type Vocabulary } from './tokenizer.js';

interface DecoderPlanOptions extends PlanSource {
  outtype: Outtype;
  imatrix?: Imatrix;
}

/** @throws ERR_CHECKPOINT */
export async function planDecoder(options: DecoderPlanOptions): Promise<GgufPlan> {
  const { checkpoint, outtype } = options;
  const config = options.config.text;
  checkArchitecture(config);
  const sizes = readDecoderSizes(options);
  const { nVocab } = sizes;
  checkBlocks(options, sizes);
  const tensors = planTensors(options, sizes);
  const vocabulary = await readVocabulary(checkpoint.path, nVocab);
  checkSpecials(checkpoint.path, vocabulary);
  const use = imatrixUse(options.imatrix, tensors);
  return {
    entries: [
      ...(await generalEntries({ ...options, type: 'model', architecture: 'qwen2', tensors })),
      ...sizeEntries(config, sizes),
      ...(await tokenizerEntries(options, vocabulary)),
      ...use.entries,
    ],
    tensors,
    notes: [...vocabulary.notes, ...fallbackNotes(tensors, baseType(outtype)), ...use.notes],
  };
}

type Sizes = Parameters<typeof decoderTensors>[0];

/** llama.cpp's LLAMA_MAX_LAYERS. */
const MAX_LAYERS = 512;

/** What a plain Qwen2 has no room for. */
function checkArchitecture(config: JsonFile): void {
  jsonChoice(config, 'hidden_act', { allowed: ['silu'], fallback: 'silu' });
  if (jsonBoolean(config, 'use_sliding_window', false))
    throw wrongField(config, 'use_sliding_window', 'false');
}

function readSizes(config: JsonFile): Omit<Sizes, 'nVocab'> {
  const nHead = jsonInteger(config, 'num_attention_heads');
  const sizes = {
    nLayer: jsonInteger(config, 'num_hidden_layers'),
    nEmbd: jsonInteger(config, 'hidden_size'),
    nHead,
    nHeadKv: jsonInteger(config, 'num_key_value_heads', nHead),
    nFfn: jsonInteger(config, 'intermediate_size'),
  };
  if (sizes.nLayer > MAX_LAYERS)
    throw wrongField(config, 'num_hidden_layers', `at most ${MAX_LAYERS}`);
  if ((sizes.nEmbd / nHead) % 2 !== 0 || nHead % sizes.nHeadKv !== 0)
    throw checkpointError(
      config.path,
      `${nHead} heads with ${sizes.nHeadKv} key-value heads do not fit a hidden size of ${sizes.nEmbd}.`,
    );
  return sizes;
}

/** @throws ERR_CHECKPOINT */
export function readDecoderSizes(
  options: Pick<DecoderPlanOptions, 'checkpoint' | 'config' | 'tensors'>,
): Sizes {
  return { ...readSizes(options.config.text), nVocab: countRows(options) };
}

function countRows({
  checkpoint,
  tensors,
}: Pick<DecoderPlanOptions, 'checkpoint' | 'tensors'>): number {
  const nRows = tensors.get('token_embd.weight')?.shape[0];
  if (nRows === undefined)
    throw checkpointError(
      checkpoint.path,
      'it has no token embeddings (model.embed_tokens.weight).',
    );
  return nRows;
}

/** More blocks than the model has: config.json is another model's. */
function checkBlocks({ config, tensors }: DecoderPlanOptions, { nLayer }: Sizes): void {
  for (const [name, tensor] of tensors)
    if (Number(/^blk\.(\d+)\./.exec(name)?.[1]) >= nLayer)
      throw checkpointError(
        tensor.file,
        `the tensor '${tensor.name}' belongs to a block that ${config.text.path} does not have: "num_hidden_layers" is ${nLayer}.`,
        { tensor: tensor.name },
      );
}

function planTensors(options: DecoderPlanOptions, sizes: Sizes): PlannedTensor[] {
  const { checkpoint, outtype, imatrix } = options;
  const { isTied } = options.config;
  const choice = { ...sizes, isTied, outtype, hasImportance: imatrix !== undefined };
  return decoderTensors(sizes)
    .filter(({ name }) => !(isTied && name === 'output.weight'))
    .map(({ name, shape }) => {
      const wanted = { shape, checkpoint: checkpoint.path };
      const source = requireTensor(options.tensors, name, wanted);
      const type = decoderType(name, shape, choice);
      const importance = importanceOf({ name, shape, type }, { outtype, imatrix });
      return { name, shape, type, source, ...(importance && { importance }) };
    });
}

function sizeEntries(config: JsonFile, sizes: Sizes): GgufEntry[] {
  const integers: [string, number][] = [
    ['context_length', jsonInteger(config, 'max_position_embeddings')],
    ['embedding_length', sizes.nEmbd],
    ['block_count', sizes.nLayer],
    ['feed_forward_length', sizes.nFfn],
    ['attention.head_count', sizes.nHead],
    ['attention.head_count_kv', sizes.nHeadKv],
    ['rope.dimension_count', sizes.nEmbd / sizes.nHead],
    ['vocab_size', sizes.nVocab],
  ];
  return [
    ...integers.map(([key, value]): GgufEntry => ({ key: `qwen2.${key}`, type: 'u32', value })),
    ...ropeEntries(config),
    {
      key: 'qwen2.attention.layer_norm_rms_epsilon',
      type: 'f32',
      value: jsonEpsilon(config, 'rms_norm_eps'),
    },
  ];
}

async function tokenizerEntries(
  { checkpoint: { path }, config: { text: config }, dialect }: DecoderPlanOptions,
  vocabulary: Vocabulary,
): Promise<GgufEntry[]> {
  const generation = await readOptionalJsonFile(join(path, 'generation_config.json'));
  const eos = eosTokens(generation, config);
  const named: [key: string, id: number | undefined][] = [
    ['bos_token_id', jsonTokenId(config, 'bos_token_id')],
    ['eos_token_id', eos[0]],
    ['eot_token_id', vocabulary.ids.get('<|im_end|>')],
    [
      'padding_token_id',
      jsonTokenId(generation, 'pad_token_id') ?? vocabulary.ids.get('<|endoftext|>'),
    ],
  ];
  const ids = named.filter((entry): entry is [string, number] => entry[1] !== undefined);
  checkTokenIds(config, [...eos, ...ids.map(([, id]) => id)], vocabulary.nUsed);
  return [
    { key: 'tokenizer.ggml.model', type: 'string', value: 'gpt2' },
    { key: 'tokenizer.ggml.pre', type: 'string', value: 'qwen2' },
    { key: 'tokenizer.ggml.tokens', type: 'string[]', value: vocabulary.tokens },
    { key: 'tokenizer.ggml.token_type', type: 'i32[]', value: vocabulary.types },
    { key: 'tokenizer.ggml.merges', type: 'string[]', value: vocabulary.merges },
    ...ids.map(([key, value]): GgufEntry => ({ key: `tokenizer.ggml.${key}`, type: 'u32', value })),
    { key: 'tokenizer.ggml.add_bos_token', type: 'bool', value: false },
    { key: 'tokenizer.chat_template', type: 'string', value: chatTemplate(dialect) },
    { key: 'llavaov.vocab_used', type: 'u32', value: vocabulary.nUsed },
    { key: 'llavaov.eos_token_ids', type: 'i32[]', value: Int32Array.from(eos) },
    ...samplingEntries(generation),
  ];
}
