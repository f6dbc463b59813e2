/**
 * Reads tensors of a checkpoint in chunks of whole rows, in the shape planned for them (zeros where that is larger),
 * never more than two chunks at a time in memory.
 */
import type { FileHandle } from 'node:fs/promises';
import { openFile } from '../files/with-file.js';
import { checkpointError } from './checkpoint-error.js';
import { elementCount, type PlannedTensor, tensorBytes } from './gguf-plan.js';

/** Large enough to be read in one go, small enough to report progress and notice an abort. */
const CHUNK_BYTES = 8 << 20;

export interface RowChunk {
  tensor: PlannedTensor;
  /** Whole rows of the planned shape, in the source's number format. Valid until the next chunk is asked for. */
  rows: Uint8Array;
  /** The same without what was added: the source's bytes, or what is computed of them. */
  stored: Uint8Array;
}

interface RowRange {
  tensor: PlannedTensor;
  first: number;
  count: number;
}

/**
 * Yields all rows of the tensors in their order. While the caller works on one chunk, the next is being read.
 * @throws ERR_CHECKPOINT when a file cannot be read to its end.
 */
export async function* readRows(tensors: PlannedTensor[]): AsyncGenerator<RowChunk> {
  const files = new OpenFiles();
  const buffers = [Buffer.alloc(0), Buffer.alloc(0)];
  let pending: Promise<Omit<RowChunk, 'tensor'>> | undefined;
  try {
    const ranges = tensors.flatMap(rowRanges);
    const start = (index: number) => {
      const range = ranges[index];
      if (!range) return undefined;
      const needed = range.count * rowBytes(range.tensor);
      if (buffers[index % 2]!.length < needed) buffers[index % 2] = Buffer.allocUnsafe(needed);
      const read = readRange(files, range, buffers[index % 2]!.subarray(0, needed));
      read.catch(() => {}); // reported when its turn comes, and not at all if the caller stops before
      return read;
    };
    pending = start(0);
    for (const [index, { tensor }] of ranges.entries()) {
      const chunk = await pending!;
      pending = start(index + 1);
      yield { tensor, ...chunk };
    }
  } finally {
    await pending?.catch(() => {});
    await files.close();
  }
}

function rowRanges(tensor: PlannedTensor): RowRange[] {
  const nRows = elementCount(tensor.shape.slice(1));
  const step = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes(tensor)));
  const ranges: RowRange[] = [];
  for (let first = 0; first < nRows; first += step)
    ranges.push({ tensor, first, count: Math.min(step, nRows - first) });
  return ranges;
}

/** Bytes of a row of the planned shape in the source's format. */
function rowBytes({ shape, source }: PlannedTensor): number {
  return tensorBytes({ shape: shape.slice(0, 1), type: source.type });
}

async function readRange(
  files: OpenFiles,
  range: RowRange,
  out: Buffer,
): Promise<Omit<RowChunk, 'tensor'>> {
  const { tensor, first } = range;
  const { source } = tensor;
  if (source.rows) {
    const rows = bytesOf(await source.rows(first, range.count));
    return { rows, stored: rows };
  }
  const nSourceRows = elementCount(source.shape.slice(1));
  const sourceRowBytes = tensorBytes({ shape: source.shape.slice(0, 1), type: source.type });
  const count = Math.max(0, Math.min(range.count, nSourceRows - first));
  const stride = rowBytes(tensor);
  const isPadded = stride !== sourceRowBytes || count !== range.count;
  const stored = isPadded ? Buffer.allocUnsafe(count * sourceRowBytes) : out;
  await files.read(source.file, stored, source.offset + first * sourceRowBytes);
  if (!isPadded) return { rows: out, stored };
  out.fill(0);
  for (let row = 0; row < count; row++)
    stored.copy(out, row * stride, row * sourceRowBytes, (row + 1) * sourceRowBytes);
  return { rows: out, stored };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

class OpenFiles {
  readonly #files = new Map<string, Promise<FileHandle>>();

  /** Fills `buffer` from `position` on. */
  async read(path: string, buffer: Buffer, position: number): Promise<void> {
    const file = this.#files.get(path) ?? openFile(path);
    this.#files.set(path, file);
    try {
      for (let done = 0; done < buffer.length; ) {
        const { bytesRead } = await (await file).read(
          buffer,
          done,
          buffer.length - done,
          position + done,
        );
        if (bytesRead === 0) throw new Error('it has become shorter while it was being read');
        done += bytesRead;
      }
    } catch (cause) {
      throw checkpointError(path, `${(cause as Error).message}.`, { cause });
    }
  }

  async close(): Promise<void> {
    for (const file of this.#files.values())
      await file.then((open) => open.close()).catch(() => {});
  }
}
