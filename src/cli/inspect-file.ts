/** What `inspect` shows of a file, as plain data: metadata with long arrays cut, tensors, totals, what they cost. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTensorTable } from '../convert/checkpoint.js';
import { readOptionalJsonFile } from '../convert/json-file.js';
import { isLoraFolder } from '../convert/lora-config.js';
import { readSafetensors, type SafetensorsTensor } from '../convert/safetensors.js';
import { type GgufFile, type GgufValue, isGgufArray, readGguf } from '../gguf/reader.js';
import {
  type CostOptions,
  type DecoderCosts,
  decoderCosts,
  type VisualCosts,
  visualCosts,
} from './inspect-costs.js';
import { type LoraFacts, loraFacts } from './inspect-lora.js';

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

export interface FileContent {
  path: string;
  format: 'gguf' | 'safetensors' | 'checkpoint';
  /** Of the GGUF format. */
  version?: number;
  metadata: Record<string, unknown>;
  tensors: ShownTensor[];
  totals: {
    tensors: number;
    parameters: number;
    bytes: number;
    types: Record<string, { tensors: number; bytes: number }>;
  };
  /** Of a decoder: bytes of KV cache for 1024 positions, by cache type. */
  kvBytesPer1024?: { f32: number; f16: number; q8_0: number };
}

export interface Inspection extends FileContent, DecoderCosts, VisualCosts, LoraFacts {}

/** @throws ERR_MODEL_LOAD for a malformed GGUF, ERR_CHECKPOINT for malformed safetensors, ERR_INVALID_ARGUMENT for a cost
 *  that the file does not have. */
export async function inspectFile(path: string, options: CostOptions = {}): Promise<Inspection> {
  const content = await readContent(path);
  return {
    ...content,
    ...(await decoderCosts(content, options)),
    ...(await visualCosts(content, options)),
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
  const tensors = file.tensors.map(({ name, shape, type, bytes }) => ({
    name,
    shape,
    type,
    bytes,
  }));
  const kvBytesPer1024 = kvBytes(file);
  return {
    path,
    format: 'gguf',
    version: file.version,
    metadata,
    ...summarise(tensors),
    ...(kvBytesPer1024 && { kvBytesPer1024 }),
  };
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

function summarise(tensors: ShownTensor[]): Pick<FileContent, 'tensors' | 'totals'> {
  const totals: FileContent['totals'] = {
    ...{ tensors: tensors.length, parameters: 0, bytes: 0 },
    types: {},
  };
  for (const { shape, type, bytes } of tensors) {
    totals.parameters += shape.reduce((product, size) => product * size, 1);
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
