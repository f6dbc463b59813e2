/** What `inspect` shows of a file, as plain data: metadata with long arrays cut, tensors, totals, what they cost. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTensorTable } from '../../convert/checkpoint.js';
import { readOptionalJsonFile } from '../../convert/json-file.js';
import { isLoraFolder } from '../../convert/lora-config.js';
import { readSafetensors, type SafetensorsTensor } from '../../convert/safetensors.js';
import {
  type GgufFile,
  type GgufTensor,
  type GgufValue,
  isGgufArray,
  readGguf,
} from '../../gguf/reader.js';
import { collectTensors } from '../../gguf/split-files.js';
import {
  type CostOptions,
  type DecoderCosts,
  decoderCosts,
  type Kind,
  type VisualCosts,
  visualCosts,
} from './costs.js';
import { type LoraFacts, loraFacts } from './lora.js';

/** How many items of an array are shown. */
const SHOWN_ITEMS = 6;

export interface ShownArray {
  type: string;
  length: number;
  first: unknown[];
}

export interface ShownTensor {
  name: string;
  /** In the file's own order: GGUF fastest dimension first, safetensors slowest first. */
  shape: number[];
  type: string;
  bytes: number;
}

export interface FileContent extends Kind {
  format: 'gguf' | 'safetensors' | 'checkpoint';
  /** Version of the GGUF format. */
  version?: number;
  /** How many files a split decoder has, all of which are counted, or why only the first is. */
  parts?: { count: number; unread?: string };
  tensors: ShownTensor[];
  totals: {
    tensors: number;
    parameters: number;
    bytes: number;
    types: Record<string, { tensors: number; bytes: number }>;
  };
  /** Bytes of KV cache for 1024 positions, by cache type; decoders only. */
  kvBytesPer1024?: { f32: number; f16: number; q8_0: number };
}

export interface Inspection extends FileContent, DecoderCosts, VisualCosts, LoraFacts {}

/** @throws ERR_MODEL_LOAD for a malformed GGUF, ERR_CHECKPOINT for malformed safetensors, ERR_INVALID_ARGUMENT for a cost
 *  that the file does not have. */
export async function inspectFile(path: string, options: CostOptions = {}): Promise<Inspection> {
  const content = await readContent(path);
  const costs = await decoderCosts(content, options);
  const { mmproj } = options;
  return {
    ...content,
    ...costs,
    ...(await visualCosts(mmproj === undefined ? content : await readContent(mmproj), options)),
    ...(await loraFacts(content)),
  };
}

async function readContent(path: string): Promise<FileContent> {
  if ((await stat(path).catch(() => undefined))?.isDirectory()) return inspectCheckpoint(path);
  if (path.endsWith('.safetensors')) return inspectSafetensors(path);
  return inspectGguf(path);
}

async function inspectCheckpoint(path: string): Promise<FileContent> {
  const isLora = await isLoraFolder(path);
  const tensors = isLora
    ? (await readSafetensors(join(path, 'adapter_model.safetensors'))).tensors
    : [...(await readTensorTable(path)).values()];
  const config = isLora ? 'adapter_config.json' : 'config.json';
  const { fields } = await readOptionalJsonFile(join(path, config));
  const metadata = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      Array.isArray(value) ? showArray('', value) : value,
    ]),
  );
  return { path, format: 'checkpoint', metadata, ...summarise(tensors.map(showSafetensor)) };
}

async function inspectSafetensors(path: string): Promise<FileContent> {
  const { metadata, tensors } = await readSafetensors(path);
  return { path, format: 'safetensors', metadata, ...summarise(tensors.map(showSafetensor)) };
}

async function inspectGguf(path: string): Promise<FileContent> {
  const file = await readGguf(path);
  const metadata = Object.fromEntries([...file.metadata].map(([key, value]) => [key, show(value)]));
  const { parts, tensors: filed } = await readParts(file);
  const tensors = filed.map(({ name, shape, type, bytes }) => ({ name, shape, type, bytes }));
  const kvBytesPer1024 = kvBytes(file);
  return {
    path,
    format: 'gguf',
    version: file.version,
    ...(parts && { parts }),
    metadata,
    ...summarise(tensors, unpadded(file)),
    ...(kvBytesPer1024 && { kvBytesPer1024 }),
  };
}

/** All files of a split decoder, as long as they can be read; a header is worth showing all the same. */
async function readParts(
  file: GgufFile,
): Promise<{ parts?: NonNullable<FileContent['parts']>; tensors: GgufTensor[] }> {
  const { metadata, tensors } = file;
  const count = Number(metadata.get('split.count') ?? 1);
  if (!(count > 1) || metadata.get('split.no') !== 0) return { tensors };
  try {
    return { parts: { count }, tensors: await collectTensors(file) };
  } catch (error) {
    return { parts: { count, unread: (error as Error).message }, tensors };
  }
}

/** @returns the shape that a tensor had before its FFN was padded with zeros to whole blocks (mmproj-requantize.ts) */
function unpadded({ metadata }: GgufFile): (tensor: ShownTensor) => number[] {
  const stored = metadata.get('clip.vision.feed_forward_length');
  const original = Number(metadata.get('llavaov.ffn_length') ?? Number.NaN);
  return ({ name, shape }) =>
    original < Number(stored) && /\.ffn_(up|down)\./.test(name)
      ? shape.map((size) => (size === stored ? original : size))
      : shape;
}

function showSafetensor({ name, shape, dtype, bytes }: SafetensorsTensor): ShownTensor {
  return { name, shape, type: dtype.toLowerCase(), bytes };
}

function show(value: GgufValue): unknown {
  if (typeof value === 'bigint') return String(value);
  return isGgufArray(value) ? showArray(value.type, Array.from<unknown>(value.values)) : value;
}

function showArray(type: string, values: unknown[]): ShownArray | unknown[] {
  const plain = values.map((value) => (typeof value === 'bigint' ? String(value) : value));
  if (plain.length <= SHOWN_ITEMS) return plain;
  return { type, length: plain.length, first: plain.slice(0, SHOWN_ITEMS) };
}

function summarise(
  tensors: ShownTensor[],
  originalShape: (tensor: ShownTensor) => number[] = ({ shape }) => shape,
): Pick<FileContent, 'tensors' | 'totals'> {
  const totals: FileContent['totals'] = {
    tensors: tensors.length,
    parameters: 0,
    bytes: 0,
    types: {},
  };
  for (const tensor of tensors) {
    const { type, bytes } = tensor;
    totals.parameters += originalShape(tensor).reduce((product, size) => product * size, 1);
    totals.bytes += bytes;
    const ofType = totals.types[type] ?? { tensors: 0, bytes: 0 };
    totals.types[type] = { tensors: ofType.tensors + 1, bytes: ofType.bytes + bytes };
  }
  return { tensors, totals };
}

function kvBytes({ metadata }: GgufFile): FileContent['kvBytesPer1024'] {
  const architecture = metadata.get('general.architecture');
  const number = (key: string) => Number(metadata.get(`${architecture}.${key}`) ?? Number.NaN);
  const nHead = number('attention.head_count');
  const nHeadKv = metadata.has(`${architecture}.attention.head_count_kv`)
    ? number('attention.head_count_kv')
    : nHead;
  const values = 2 * 1024 * number('block_count') * (number('embedding_length') / nHead) * nHeadKv;
  if (!Number.isFinite(values)) return undefined;
  return { f32: values * 4, f16: values * 2, q8_0: (values / 32) * 34 };
}
