/** What `inspect` shows of a file, as plain data: metadata with long arrays cut, tensors, totals, what they cost. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTensorTable } from '../convert/checkpoint.js';
import { readOptionalJsonFile } from '../convert/json-file.js';
import { readSafetensors, type SafetensorsTensor } from '../convert/safetensors.js';
import { type GgufFile, type GgufValue, isGgufArray, readGguf } from '../gguf/reader.js';
import { planImage } from '../vision/image-plan.js';
import { readVisionConfig } from '../vision/vision-config.js';

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

export interface Inspection {
  path: string;
  format: 'gguf' | 'safetensors' | 'checkpoint';
  /** Of the GGUF format. */
  version?: number;
  metadata: Record<string, unknown>;
  tensors: ShownTensor[];
  totals: { tensors: number; parameters: number; bytes: number };
  /** Of a decoder: bytes of KV cache for 1024 positions, by cache type. */
  kvBytesPer1024?: { f32: number; f16: number; q8_0: number };
  /** Of an mmproj: what pictures of some sizes cost. */
  images?: { width: number; height: number; tiles: number; rows: number }[];
}

/** Pixels: one tile, a small photo, a screen, a camera. */
const SAMPLE_SIZES = [
  [384, 384],
  [640, 480],
  [1920, 1080],
  [4000, 3000],
] as const;

/** @throws ERR_MODEL_LOAD for a malformed GGUF, ERR_CHECKPOINT for malformed safetensors. */
export async function inspectFile(path: string): Promise<Inspection> {
  if ((await stat(path).catch(() => undefined))?.isDirectory()) return inspectCheckpoint(path);
  if (path.endsWith('.safetensors')) return inspectSafetensors(path);
  return inspectGguf(path);
}

async function inspectCheckpoint(path: string): Promise<Inspection> {
  const tensors = [...(await readTensorTable(path)).values()];
  const { fields } = await readOptionalJsonFile(join(path, 'config.json'));
  const metadata = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      Array.isArray(value) ? showArray('', value) : value,
    ]),
  );
  return { path, format: 'checkpoint', metadata, ...summarise(tensors.map(showSafetensor)) };
}

async function inspectSafetensors(path: string): Promise<Inspection> {
  const { metadata, tensors } = await readSafetensors(path);
  return { path, format: 'safetensors', metadata, ...summarise(tensors.map(showSafetensor)) };
}

async function inspectGguf(path: string): Promise<Inspection> {
  const file = await readGguf(path);
  const metadata = Object.fromEntries([...file.metadata].map(([key, value]) => [key, show(value)]));
  const tensors = file.tensors.map(({ name, shape, type, bytes }) => ({
    name,
    shape,
    type,
    bytes,
  }));
  const kvBytesPer1024 = kvBytes(file);
  const images = await planSamples(file);
  return {
    path,
    format: 'gguf',
    version: file.version,
    metadata,
    ...summarise(tensors),
    ...(kvBytesPer1024 && { kvBytesPer1024 }),
    ...(images && { images }),
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

function summarise(tensors: ShownTensor[]): Pick<Inspection, 'tensors' | 'totals'> {
  const totals = { tensors: tensors.length, parameters: 0, bytes: 0 };
  for (const { shape, bytes } of tensors) {
    totals.parameters += shape.reduce((product, size) => product * size, 1);
    totals.bytes += bytes;
  }
  return { tensors, totals };
}

function kvBytes({ metadata }: GgufFile): Inspection['kvBytesPer1024'] {
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

/** Nothing for a file that is no mmproj of ours, or a malformed one: its header is worth showing all the same. */
async function planSamples({ path, metadata }: GgufFile): Promise<Inspection['images']> {
  if (metadata.get('general.architecture') !== 'clip') return undefined;
  const config = await readVisionConfig(path).catch(() => undefined);
  return (
    config &&
    SAMPLE_SIZES.map(([width, height]) => {
      const options = { dialect: config.dialect, imageCount: 1 };
      const { nTiles, rows } = planImage({ width, height }, config, options);
      return { width, height, tiles: nTiles, rows };
    })
  );
}
