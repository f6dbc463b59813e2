/**
 * Importance matrices, as llama-imatrix writes them: for each matrix, how much each of its columns matters (the mean
 * square of its input). Reads the GGUF format and the older binary one.
 * @see common/imatrix-loader.cpp, tools/quantize/quantize.cpp `load_imatrix` (llama.cpp v0.5.0)
 */
import { basename } from 'node:path';
import { invalidArgument } from '../errors.js';
import { readWhole } from '../files/read-whole.js';
import { openFile, withFile } from '../files/with-file.js';
import { ggmlTypeByName } from '../gguf/ggml-types.js';
import {
  type GgufFile,
  type GgufTensor,
  ggufInteger,
  ggufStrings,
  modelLoadError,
  readGguf,
} from '../gguf/reader.js';
import { needsImatrix, requiresImportance } from './decoder-types.js';
import type { GgufEntry, PlannedTensor } from './gguf-plan.js';
import type { Outtype } from './outtypes.js';

export interface Imatrix {
  path: string;
  /** By tensor name: a weight for each column, positive. */
  importances: Map<string, Float32Array>;
  dataset?: string;
  nChunks: number;
}

/** Columns that were never used still count a little: ggml's searches cannot work with zeros. */
const MIN_IMPORTANCE = 1e-20;
const MAX_IMPORTANCE = 1e12;
const MAX_FILE_BYTES = 1 << 30;

/** Without reading it whole. @throws ERR_MODEL_LOAD for a file that is absent, ERR_INVALID_ARGUMENT for none where one is needed */
export async function checkImatrix(path: string | undefined, outtype: Outtype): Promise<void> {
  if (path !== undefined) await readMagic(path);
  else if (needsImatrix(outtype)) throw imatrixNeeded(outtype);
}

/** @throws ERR_MODEL_LOAD */
export async function readImatrix(path: string): Promise<Imatrix> {
  return (await readMagic(path)) === 'GGUF' ? readGgufImatrix(path) : readBinaryImatrix(path);
}

async function readMagic(path: string): Promise<string> {
  const magic = Buffer.alloc(4);
  try {
    await withFile(path, 'r', async (file) => {
      await file.read(magic, 0, 4, 0);
      const { size } = await file.stat();
      if (size > MAX_FILE_BYTES) throw new Error(`${size} bytes are too many for an imatrix`);
    });
  } catch (cause) {
    throw modelLoadError(path, `${(cause as Error).message}.`, cause);
  }
  return magic.toString();
}

function imatrixNeeded(outtype: Outtype) {
  return invalidArgument('imatrix', `an imatrix file, which ${outtype} needs,`, undefined);
}

/**
 * The importances of one tensor of a decoder; undefined where it has none or its type has no use for them.
 * @throws ERR_INVALID_ARGUMENT or ERR_MODEL_LOAD when its type cannot do without.
 */
export function importanceOf(
  { name, shape, type }: { name: string; shape: number[]; type: string },
  { outtype, imatrix }: { outtype: Outtype; imatrix: Imatrix | undefined },
): Float32Array | undefined {
  if (ggmlTypeByName(type)!.blockSize === 1) return undefined;
  const importance = imatrix?.importances.get(name);
  if (importance?.length === shape[0]) return importance;
  // Some files have sums over the vocabulary for the embeddings, which are looked up and not multiplied.
  if (importance && name !== 'token_embd.weight')
    throw modelLoadError(
      imatrix!.path,
      `it has ${importance.length} importances for '${name}', whose rows have ${shape[0]} values.`,
    );
  if (!requiresImportance(name, type, outtype)) return undefined;
  if (!imatrix) throw imatrixNeeded(outtype);
  throw modelLoadError(imatrix.path, `it says nothing about '${name}', which ${type} needs.`);
}

/** What a file says of an imatrix that took part in it, and a note on one that did not. */
export function imatrixUse(
  imatrix: Imatrix | undefined,
  tensors: readonly PlannedTensor[],
): { entries: GgufEntry[]; notes: string[] } {
  if (!imatrix) return { entries: [], notes: [] };
  if (tensors.some(({ importance }) => importance))
    return { entries: imatrixEntries(imatrix), notes: [] };
  const note = `${imatrix.path} has no part in this file: nothing of it is chosen by importance.`;
  return { entries: [], notes: [note] };
}

/** The keys by which llama-quantize says what was used. */
export function imatrixEntries({ path, importances, dataset, nChunks }: Imatrix): GgufEntry[] {
  return [
    { key: 'quantize.imatrix.file', type: 'string', value: basename(path) },
    ...(dataset === undefined
      ? []
      : [{ key: 'quantize.imatrix.dataset', type: 'string', value: dataset } as GgufEntry]),
    { key: 'quantize.imatrix.entries_count', type: 'u32', value: importances.size },
    { key: 'quantize.imatrix.chunks_count', type: 'u32', value: nChunks },
  ];
}

async function readGgufImatrix(path: string): Promise<Imatrix> {
  const file = await readGguf(path);
  const tensors = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  const importances = new Map<string, Float32Array>();
  const handle = await openFile(path);
  try {
    for (const [name, tensor] of tensors) {
      if (!name.endsWith('.in_sum2')) continue;
      const target = name.slice(0, -'.in_sum2'.length);
      const counts = tensors.get(`${target}.counts`);
      if (!counts) throw modelLoadError(path, `the tensor '${target}.counts' is missing.`);
      const read = async ({ name, type, bytes, offset }: GgufTensor) => {
        if (type !== 'f32') throw modelLoadError(path, `the tensor '${name}' is not f32.`);
        const values = new Float32Array(bytes / 4);
        await handle.read(new Uint8Array(values.buffer), 0, bytes, offset);
        return values;
      };
      const means = divide(path, target, { sums: await read(tensor), counts: await read(counts) });
      importances.set(target, means);
    }
  } finally {
    await handle.close();
  }
  if (importances.size === 0) throw modelLoadError(path, 'it has no importances (*.in_sum2).');
  return { path, importances, ...readOrigin(file) };
}

function readOrigin(file: GgufFile): { dataset?: string; nChunks: number } {
  const [dataset] = ggufStrings(file, 'imatrix.datasets', []);
  const range = { min: 0, max: 2 ** 32 - 1, fallback: 0 };
  const nChunks = ggufInteger(file, 'imatrix.chunk_count', range);
  return dataset === undefined ? { nChunks } : { dataset, nChunks };
}

function divide(
  path: string,
  name: string,
  { sums, counts }: { sums: Float32Array; counts: Float32Array },
): Float32Array {
  const width = sums.length / counts.length;
  if (!Number.isInteger(width))
    throw modelLoadError(path, `'${name}' has ${sums.length} sums for ${counts.length} counts.`);
  const means = sums.map((sum, i) => {
    const count = Math.round(counts[Math.floor(i / width)]!);
    return count > 0 ? sum / count : 1;
  });
  return checked(path, name, means);
}

function checked(path: string, name: string, values: Float32Array): Float32Array {
  const bad = values.find((value) => !(value >= 0 && value <= MAX_IMPORTANCE));
  if (bad !== undefined) throw modelLoadError(path, `the importances of '${name}' contain ${bad}.`);
  return values.map((value) => Math.max(value, MIN_IMPORTANCE));
}

/** i32 count, then for each entry its name, calls, and sums over calls; then, perhaps, chunks and the dataset's name. */
async function readBinaryImatrix(path: string): Promise<Imatrix> {
  const bytes = await readWhole(path, { maxBytes: MAX_FILE_BYTES });
  let cursor = 0;
  const take = (size: number) => {
    if (size < 0 || size > bytes.length - cursor)
      throw modelLoadError(path, 'it is no imatrix, or truncated.');
    cursor += size;
    return bytes.subarray(cursor - size, cursor);
  };
  const integer = () => take(4).readInt32LE();
  const importances = new Map<string, Float32Array>();
  const nEntries = integer();
  if (nEntries < 1) throw modelLoadError(path, 'it is no imatrix.');
  for (let i = 0; i < nEntries; i++) {
    const name = take(integer()).toString();
    const nCalls = integer();
    const stored = Uint8Array.from(take(4 * integer()));
    const sums = new Float32Array(stored.buffer);
    if (sums.length === 0) throw modelLoadError(path, `'${name}' has no values.`);
    const means = nCalls > 0 ? sums.map((sum) => sum / nCalls) : sums;
    importances.set(name, checked(path, name, means));
  }
  if (cursor === bytes.length) return { path, importances, nChunks: 0 };
  const nChunks = integer();
  const dataset = cursor < bytes.length ? take(integer()).toString() : '';
  return { path, importances, nChunks, ...(dataset && { dataset }) };
}
