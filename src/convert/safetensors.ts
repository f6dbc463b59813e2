/**
 * Reads and checks the header of one safetensors file: a u64 length, JSON with dtype, shape and byte range of each
 * tensor, then the data. Ranges must fit the shapes and cover the data without overlap or gap, and the file must be
 * complete, so that what is read later is what was meant. Knows nothing about models.
 */

import type { FileHandle } from 'node:fs/promises';
import { describeForeign, FOREIGN_BYTES } from '../files/foreign-file.js';
import { withFile } from '../files/with-file.js';
import { isRecord } from '../option-checks.js';
import { checkpointError } from './checkpoint-error.js';
import { MAX_JSON_DEPTH, surveyJson } from './json-survey.js';

export interface SafetensorsTensor {
  name: string;
  /** Path of the file it lies in. */
  file: string;
  dtype: string;
  /** Slowest dimension first, as in PyTorch; empty for a scalar. */
  shape: number[];
  /** From the beginning of the file. */
  offset: number;
  bytes: number;
}

export interface SafetensorsFile {
  path: string;
  fileSize: number;
  metadata: Record<string, string>;
  /** In the order of their data. */
  tensors: SafetensorsTensor[];
}

/** Bytes per value. */
const dtypeBytes: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

/** A hundred times the largest model's. The library's own limit, 100 MB, is more than Node can parse of everything. */
const MAX_HEADER_BYTES = 32 << 20;

/** @throws ERR_CHECKPOINT naming the file and, where one is at fault, the tensor. */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  try {
    return await withFile(path, 'r', async (file) => {
      const { size } = await file.stat();
      return readSafetensorsFrom(path, size, (range) => readExactly(file, range));
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw checkpointError(path, (error as Error).message, { cause: error });
  }
}

export interface ByteRange {
  position: number;
  length: number;
}

/** The same of a file that lies elsewhere. @param path what it is called @throws what `read` does, too */
export async function readSafetensorsFrom(
  path: string,
  fileSize: number,
  read: (range: ByteRange) => Promise<Buffer>,
): Promise<SafetensorsFile> {
  const { header, dataStart } = await readHeader(path, fileSize, read);
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors = Object.entries(entries).map(([name, entry]) =>
    parseEntry(path, name, { entry, dataStart }),
  );
  tensors.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  checkCoverage(path, tensors, { dataStart, fileSize });
  return {
    path,
    fileSize,
    metadata: isRecord(metadata) ? (metadata as Record<string, string>) : {},
    tensors,
  };
}

async function readHeader(
  path: string,
  fileSize: number,
  read: (range: ByteRange) => Promise<Buffer>,
) {
  const start = await read({ position: 0, length: Math.min(FOREIGN_BYTES, fileSize) });
  const foreign = describeForeign(start);
  if (foreign) throw checkpointError(path, `not a safetensors file: ${foreign}`);
  const prefix = start.subarray(0, 8);
  const length = prefix.length === 8 ? prefix.readBigUInt64LE() : 0n;
  if (length < 2n || length > MAX_HEADER_BYTES || length + 8n > fileSize)
    throw checkpointError(
      path,
      `not a safetensors file, or truncated inside its header (${fileSize} bytes, header of ${length}).`,
    );
  const text = await read({ position: 8, length: Number(length) });
  return { header: parseHeader(path, text), dataStart: 8 + Number(length) };
}

async function readExactly(file: FileHandle, range: ByteRange): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(
    Buffer.alloc(range.length),
    0,
    range.length,
    range.position,
  );
  return buffer.subarray(0, bytesRead);
}

function parseHeader(path: string, bytes: Buffer): Record<string, unknown> {
  const text = bytes.toString('utf8');
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw checkpointError(path, 'not a safetensors file: its header is not JSON.', { cause });
  }
  if (!isRecord(header))
    throw checkpointError(path, 'not a safetensors file: its header is not an object.');
  const { depth, repeatedKey: tensor } = surveyJson(text);
  if (depth > MAX_JSON_DEPTH)
    throw checkpointError(path, `not a safetensors file: its header nests ${depth} deep.`);
  if (tensor !== undefined)
    throw checkpointError(path, `its header has the tensor '${tensor}' twice.`, { tensor });
  return header;
}

function parseEntry(
  path: string,
  name: string,
  at: { entry: unknown; dataStart: number },
): SafetensorsTensor {
  const fail = (problem: string) =>
    checkpointError(path, `the tensor '${name}' ${problem}.`, { tensor: name });
  if (!isRecord(at.entry)) throw fail('has no description');
  const { dtype, shape, data_offsets: range } = at.entry;
  const valueBytes = typeof dtype === 'string' ? dtypeBytes[dtype] : undefined;
  if (valueBytes === undefined) throw fail(`has the unknown dtype ${JSON.stringify(dtype)}`);
  if (!isCounts(shape)) throw fail(`has an invalid shape ${JSON.stringify(shape)}`);
  if (!isCounts(range) || range.length !== 2 || range[0]! > range[1]!)
    throw fail(`has invalid data_offsets ${JSON.stringify(range)}`);
  const bytes = range[1]! - range[0]!;
  const expected = shape.reduce((product, size) => product * size, valueBytes);
  if (bytes !== expected)
    throw fail(
      `of ${dtype} and shape [${shape}] needs ${expected} bytes but its data_offsets span ${bytes}`,
    );
  return {
    name,
    file: path,
    dtype: dtype as string,
    shape,
    offset: at.dataStart + range[0]!,
    bytes,
  };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function checkCoverage(
  path: string,
  tensors: SafetensorsTensor[],
  data: { dataStart: number; fileSize: number },
): void {
  let end = data.dataStart;
  for (const { name, offset, bytes } of tensors) {
    if (offset !== end)
      throw checkpointError(
        path,
        offset < end
          ? `the tensor '${name}' overlaps the one before it.`
          : `${offset - end} bytes before the tensor '${name}' belong to no tensor.`,
        { tensor: name },
      );
    end = offset + bytes;
    if (end > data.fileSize)
      throw checkpointError(
        path,
        `the file is truncated: the tensor '${name}' ends at byte ${end}, the file at ${data.fileSize}.`,
        { tensor: name },
      );
  }
  if (end !== data.fileSize)
    throw checkpointError(path, `${data.fileSize - end} bytes at its end belong to no tensor.`);
}
