/** Writes a random Qwen2 decoder of 100 kB with the addon's own GgufWriter, and opens it: enough to test everything but meaning. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { native } from '../../src/addon/load-addon.js';
import type {
  NativeContext,
  NativeContextOptions,
  NativeGgufWriter,
  NativeModel,
  NativeModelOptions,
  NativeSampler,
  NativeSamplerOptions,
  NativeThreadPool,
} from '../../src/binding.js';
import { packTexts } from '../../src/convert/packed-texts.js';
import { type DecoderSizes, decoderTensors } from '../../src/gguf/decoder-tensors.js';
import { randomNormal } from './random.js';

/** Heads of 32 values, so that every KV type fits; the last ids are padding. */
export const TINY = {
  ...{ nLayer: 2, nEmbd: 64, nHead: 2, nHeadKv: 1, nFfn: 96, nVocab: 288 },
  nVocabUsed: 265,
  nCtxTrain: 512,
} satisfies DecoderSizes & { nVocabUsed: number; nCtxTrain: number };

const SPECIALS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<image>'];
const MERGES = ['h e', 'l l', 'he ll', 'hell o', 'Ġ hello'];

export interface TinyDecoderOptions {
  sizes?: Partial<typeof TINY>;
  type?: string;
  seed?: number;
  /** With a head of its own instead of the transposed embedding. */
  untied?: boolean;
  /** More tokens: pairs of those of bytes, by `byteCharacters`. */
  merges?: readonly string[];
  /** Replaces the random values of a tensor. */
  fill?: (name: string, shape: number[]) => Float32Array | undefined;
}

/** A folder that the caller's `afterAll` removes. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'llava-onevision-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export async function writeTinyDecoder(path: string, options: TinyDecoderOptions = {}) {
  const sizes = { ...TINY, ...options.sizes };
  const random = randomNormal(options.seed ?? 1);
  const writer = new (native().GgufWriter)(path);
  await setMetadata(writer, sizes, [...MERGES, ...(options.merges ?? [])]);
  const tensors = decoderTensors(sizes).filter(({ optional }) => options.untied || !optional);
  const isMatrix = (shape: number[]) => shape.length > 1;
  for (const { name, shape } of tensors)
    writer.addTensor(name, isMatrix(shape) ? (options.type ?? 'f32') : 'f32', shape);
  await writer.begin();
  for (const { name, shape } of tensors) {
    const values = options.fill?.(name, shape) ?? randomTensor(name, shape, random);
    await writer.write('f32', new Uint8Array(values.buffer));
  }
  await writer.finish();
  return path;
}

function randomTensor(name: string, shape: number[], random: () => number): Float32Array {
  const scale = shape.length > 1 ? 2 / Math.sqrt(shape[0]!) : 0.1;
  const offset = name.endsWith('norm.weight') ? 1 : 0;
  const size = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: size }, () => offset + scale * random());
}

/** What fills a decoder to which one token is NaN. */
export const badEmbedding =
  (bad: number): TinyDecoderOptions['fill'] =>
  (name, [width, rows]) =>
    name === 'token_embd.weight'
      ? Float32Array.from({ length: width! * rows! }, (_, i) =>
          Math.floor(i / width!) === bad ? NaN : Math.sin(i * i),
        )
      : undefined;

/** As wide as its vocabulary is long. */
export const ECHO = { ...TINY, nLayer: 1, nEmbd: 288, nHead: 9 };

/**
 * A decoder whose logits are what a test feeds in: attention and FFN add nothing, the head is the identity,
 * so a row gives the logits `echoLogits(row)`.
 */
export function writeEchoDecoder(path: string, merges?: readonly string[]): Promise<string> {
  const fill = (name: string, shape: number[]) => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (name.endsWith('norm.weight')) values.fill(name === 'output_norm.weight' ? ECHO_SCALE : 1);
    if (name === 'token_embd.weight')
      for (let id = 0; id < ECHO.nVocab; id++) values[id * ECHO.nEmbd + id] = 1;
    return values;
  };
  return writeTinyDecoder(path, { sizes: ECHO, fill, merges });
}

const ECHO_SCALE = 3;

/** RMS-normalised and scaled, as the decoder's last step does. */
export function echoLogits(row: Float32Array): number[] {
  const meanSquare = row.reduce((sum, value) => sum + value * value, 0) / row.length;
  return [...row].map((value) => (value * ECHO_SCALE) / Math.sqrt(meanSquare + 1e-6));
}

async function setMetadata(
  writer: NativeGgufWriter,
  sizes: typeof TINY,
  merges: readonly string[],
): Promise<void> {
  writer.setValue('general.architecture', 'string', 'qwen2');
  const numbers = {
    block_count: sizes.nLayer,
    context_length: sizes.nCtxTrain,
    embedding_length: sizes.nEmbd,
    feed_forward_length: sizes.nFfn,
    'attention.head_count': sizes.nHead,
    'attention.head_count_kv': sizes.nHeadKv,
  };
  for (const [key, value] of Object.entries(numbers)) writer.setValue(`qwen2.${key}`, 'u32', value);
  writer.setValue('qwen2.attention.layer_norm_rms_epsilon', 'f32', 1e-6);
  writer.setValue('qwen2.rope.freq_base', 'f32', 1e6);
  const { tokens, types } = vocabulary(sizes.nVocab, merges);
  writer.setValue('tokenizer.ggml.model', 'string', 'gpt2');
  writer.setValue('tokenizer.ggml.pre', 'string', 'qwen2');
  await writer.setStrings('tokenizer.ggml.tokens', await packTexts(tokens));
  writer.setArray('tokenizer.ggml.token_type', 'i32', types);
  await writer.setStrings('tokenizer.ggml.merges', await packTexts(merges));
  writer.setValue('tokenizer.ggml.eos_token_id', 'u32', tokens.indexOf('<|im_end|>'));
  writer.setValue('tokenizer.ggml.add_bos_token', 'bool', false);
}

/** 256 bytes, the merges, the specials, then padding. Token types: 1 normal, 3 control, 5 unused. */
function vocabulary(
  nVocab: number,
  merges: readonly string[],
): { tokens: string[]; types: Int32Array } {
  const normal = [...byteCharacters(), ...merges.map((merge) => merge.replace(' ', ''))];
  const used = [...normal, ...SPECIALS];
  const tokens = Array.from({ length: nVocab }, (_, id) => used[id] ?? `[PAD${id}]`);
  const types = tokens.map((_, id) => (id < normal.length ? 1 : id < used.length ? 3 : 5));
  return { tokens, types: Int32Array.from(types) };
}

/** GPT-2's printable stand-in for each byte. */
function byteCharacters(): string[] {
  let next = 256;
  const isPrintable = (byte: number) =>
    (byte > 32 && byte < 127) || (byte > 160 && byte < 256 && byte !== 173);
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isPrintable(byte) ? byte : next++),
  );
}

export function modelOptions(path: string): NativeModelOptions {
  return { path, gpuLayers: 0, mmap: true, mlock: false, vocabOnly: false };
}

export const CONTEXT_OPTIONS: NativeContextOptions = {
  ...{ nCtx: 256, nBatch: 128, nUbatch: 64, nSeqMax: 4 },
  ...{ kvTypeK: 'f32', kvTypeV: 'f32', flashAttention: 'off' },
};

/** Greedy, without penalties. */
export const GREEDY: NativeSamplerOptions = {
  ...{ temperature: 0, topK: 0, topP: 1, minP: 0, typicalP: 1 },
  ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, seed: 0, nTop: 0 },
  ...{ biasTokens: new Int32Array(), biasValues: new Float32Array() },
  nVocabUsed: TINY.nVocabUsed,
};

export interface OpenDecoder {
  model: NativeModel;
  pool: NativeThreadPool;
  context: NativeContext;
  sampler(options?: Partial<NativeSamplerOptions>): NativeSampler;
  dispose(): Promise<void>;
}

export async function openDecoder(
  path: string,
  options: Partial<NativeContextOptions> & { threads?: number } = {},
): Promise<OpenDecoder> {
  const { threads = 1, ...own } = options;
  const binding = native();
  const model = await binding.loadModel(modelOptions(path), null, null);
  // One thread: with two, a busy machine spends its time where they wait for each other.
  const pool = new binding.ThreadPool(threads);
  const context = await binding.createContext(model, pool, { ...CONTEXT_OPTIONS, ...own });
  return {
    ...{ model, pool, context },
    sampler: (own = {}) => new binding.Sampler(model, { ...GREEDY, ...own }),
    dispose: async () => {
      for (const handle of [context, pool, model]) await handle.dispose();
    },
  };
}
