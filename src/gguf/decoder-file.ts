/**
 * Reads and checks a decoder GGUF (architecture qwen2). llama.cpp answers some malformed files with an abort of the
 * whole process, so everything it asserts on is refused here first, with the key or the tensor named.
 * @see src/llama-model.cpp `load_hparams`, src/llama-vocab.cpp `load`, src/models/qwen2.cpp (llama.cpp v0.5.0)
 */
import type { CheckedFile } from '../files/checked-file.js';
import { decoderTensors } from './decoder-tensors.js';
import { ggmlTypeByName } from './ggml-types.js';
import {
  type GgufFile,
  type GgufTensor,
  ggufBoolean,
  ggufInteger,
  ggufNumber,
  ggufNumbers,
  ggufString,
  modelLoadError,
  readGguf,
} from './reader.js';
import { collectFiles, tensorsOf } from './split-files.js';
import { checkVocabulary, type VocabularyFacts } from './vocabulary.js';

/** Defaults that the checkpoint's generation_config.json asks for; absent where it says nothing. */
export interface SamplingDefaults {
  /** 0 for a checkpoint that decodes greedily. */
  temperature?: number;
  topK?: number;
  topP?: number;
  repetitionPenalty?: number;
  doSample?: boolean;
}

export interface DecoderFile extends VocabularyFacts {
  path: string;
  /** Its files. */
  checked: CheckedFile[];
  gguf: GgufFile;
  nLayer: number;
  nEmbd: number;
  nHead: number;
  nHeadKv: number;
  headDim: number;
  nFfn: number;
  nCtxTrain: number;
  /** Whether the head is the embedding matrix. */
  isTied: boolean;
  /** Every id that ends an answer, the preferred one first. */
  eosTokens: number[];
  sampling: SamplingDefaults;
  /** Bytes of all tensors, those in further files of a split decoder too. */
  tensorBytes: number;
  /** Bytes of each layer's tensors. */
  layerBytes: number[];
  /** The embedding matrix counts where the head has none of its own. */
  headBytes: number;
  /** ggml's name of the head's type. */
  headType: string;
}

/** All but the header itself. */
export type DecoderFacts = Omit<DecoderFile, 'gguf'>;

/** Above are flags of llama.cpp's own; its enumeration cannot hold all of 32 bits. */
const MAX_FILE_TYPE = 1023;
const LLAMA_MAX_LAYERS = 512;
const MAX_WIDTH = 1 << 20;

/** @throws ERR_MODEL_LOAD */
export async function readDecoderFile(path: string): Promise<DecoderFile> {
  const gguf = await readGguf(path);
  checkArchitecture(gguf);
  const sizes = readSizes(gguf);
  const vocabulary = await checkVocabulary(gguf);
  const files = await collectFiles(gguf);
  const tensors = tensorsOf(files);
  checkTensors(path, tensors, { ...sizes, nVocab: vocabulary.nVocab });
  const named = (name: string) => tensors.find((tensor) => tensor.name === name);
  const head = named('output.weight') ?? named('token_embd.weight')!;
  return {
    path,
    checked: files.map(({ checked }) => checked),
    gguf,
    ...sizes,
    ...vocabulary,
    isTied: head.name !== 'output.weight',
    eosTokens: readEosTokens(gguf, vocabulary.nVocab),
    sampling: readSampling(gguf),
    tensorBytes: tensors.reduce((sum, tensor) => sum + tensor.bytes, 0),
    layerBytes: sumByLayer(tensors, sizes.nLayer),
    headBytes: head.bytes,
    headType: head.type,
  };
}

function sumByLayer(tensors: GgufTensor[], nLayer: number): number[] {
  const sums = new Array<number>(nLayer).fill(0);
  for (const { name, bytes } of tensors) {
    const layer = Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? nLayer);
    if (layer < nLayer) sums[layer]! += bytes;
  }
  return sums;
}

function checkArchitecture(gguf: GgufFile): void {
  const architecture = ggufString(gguf, 'general.architecture');
  if (architecture === 'clip')
    throw modelLoadError(gguf.path, 'it is an mmproj (vision) file; expected the decoder.');
  if (gguf.metadata.get('general.type') === 'adapter')
    throw modelLoadError(gguf.path, 'it is an adapter (LoRA); expected the decoder it is for.');
  if (architecture !== 'qwen2')
    throw modelLoadError(gguf.path, `its architecture is '${architecture}'; expected 'qwen2'.`);
}

function readSizes(gguf: GgufFile) {
  const integer = (key: string, max: number, fallback?: number) =>
    ggufInteger(gguf, `qwen2.${key}`, { min: 1, max, fallback });
  const nHead = integer('attention.head_count', MAX_WIDTH);
  const sizes = {
    nLayer: integer('block_count', LLAMA_MAX_LAYERS),
    nEmbd: integer('embedding_length', MAX_WIDTH),
    nHead,
    nHeadKv: integer('attention.head_count_kv', nHead, nHead),
    nFfn: integer('feed_forward_length', MAX_WIDTH),
    nCtxTrain: integer('context_length', 2 ** 31 - 1),
  };
  const headDim = sizes.nEmbd / nHead;
  if (headDim % 2 !== 0 || nHead % sizes.nHeadKv !== 0)
    throw modelLoadError(
      gguf.path,
      `${nHead} heads with ${sizes.nHeadKv} key-value heads do not fit an embedding length of ${sizes.nEmbd}.`,
    );
  for (const key of ['attention.key_length', 'attention.value_length', 'rope.dimension_count'])
    if (integer(key, MAX_WIDTH, headDim) !== headDim)
      throw modelLoadError(gguf.path, `the key 'qwen2.${key}' must be the head size, ${headDim}.`);
  checkNumerics(gguf);
  return { ...sizes, headDim };
}

/** Settings that would make llama.cpp abort, or compute something other than a plain causal Qwen2. */
function checkNumerics(gguf: GgufFile): void {
  const epsilon = ggufNumber(gguf, 'qwen2.attention.layer_norm_rms_epsilon');
  const ropeBase = ggufNumber(gguf, 'qwen2.rope.freq_base', 10000);
  if (!(epsilon >= 0 && epsilon < 1) || !(ropeBase > 0))
    throw modelLoadError(
      gguf.path,
      `epsilon ${epsilon} or rope frequency base ${ropeBase} is out of range.`,
    );
  for (const key of [
    'expert_count',
    'expert_used_count',
    'expert_group_count',
    'nextn_predict_layers',
  ])
    ggufInteger(gguf, `qwen2.${key}`, { min: 0, max: 0, fallback: 0 });
  ggufInteger(gguf, 'general.file_type', { min: 0, max: MAX_FILE_TYPE, fallback: 0 });
  if (!ggufBoolean(gguf, 'qwen2.attention.causal', true))
    throw modelLoadError(gguf.path, "the key 'qwen2.attention.causal' must be true.");
  const scaling = ggufString(gguf, 'qwen2.rope.scaling.type', 'none');
  if (!['none', 'linear', 'yarn', 'longrope'].includes(scaling))
    throw modelLoadError(gguf.path, `the rope scaling type '${scaling}' is unknown.`);
}

function checkTensors(
  path: string,
  tensors: GgufTensor[],
  sizes: Parameters<typeof decoderTensors>[0],
): void {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const specs = decoderTensors(sizes);
  const known = new Set(specs.map(({ name }) => name));
  // llama.cpp takes biases and scales that no Qwen2 has, of types that it then aborts on.
  const foreign = tensors.find(({ name }) => !known.has(name));
  if (foreign)
    throw modelLoadError(path, `the tensor '${foreign.name}' is none of a Qwen2 decoder.`);
  for (const { name, shape, optional } of specs) {
    const tensor = byName.get(name);
    if (!tensor && optional) continue;
    if (!tensor) throw modelLoadError(path, `the tensor '${name}' is missing.`);
    if (tensor.shape.join() !== shape.join())
      throw modelLoadError(
        path,
        `the tensor '${name}' has shape [${tensor.shape}] where [${shape}] is expected.`,
      );
    const isUsable =
      shape.length === 1 ? tensor.type === 'f32' : ggmlTypeByName(tensor.type)?.isWeight;
    if (!isUsable)
      throw modelLoadError(path, `the tensor '${name}' cannot be of type ${tensor.type}.`);
  }
}

function readEosTokens(gguf: GgufFile, nVocab: number): number[] {
  const eos = ggufInteger(gguf, 'tokenizer.ggml.eos_token_id', { min: 0, max: nVocab - 1 });
  const eot = ggufInteger(gguf, 'tokenizer.ggml.eot_token_id', {
    min: 0,
    max: nVocab - 1,
    fallback: eos,
  });
  const listed = ggufNumbers(gguf, 'llavaov.eos_token_ids', [eos, eot]);
  const tokens = [...new Set(listed)];
  const isId = (id: number) => Number.isInteger(id) && id >= 0 && id < nVocab;
  if (tokens.length === 0 || !tokens.every(isId))
    throw modelLoadError(
      gguf.path,
      `the key 'llavaov.eos_token_ids' must list ids below ${nVocab} but is [${listed}].`,
    );
  return tokens;
}

function readSampling(gguf: GgufFile): SamplingDefaults {
  const has = (key: string) => gguf.metadata.has(key);
  const number = (key: string) =>
    has(`general.sampling.${key}`) ? ggufNumber(gguf, `general.sampling.${key}`) : undefined;
  return dropUndefined({
    temperature: number('temp'),
    topK: number('top_k'),
    topP: number('top_p'),
    repetitionPenalty: number('penalty_repeat'),
    doSample: has('llavaov.do_sample') ? ggufBoolean(gguf, 'llavaov.do_sample') : undefined,
  });
}

function dropUndefined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
