/** The weights of a checkpoint that are on the hub and of which one file at a time is here: for the converter. */
import { basename } from 'node:path';
import { checkpointError } from '../convert/checkpoint-error.js';
import type { Shards } from '../convert/convert-shards.js';
import { readSafetensorsFrom, type SafetensorsFile } from '../convert/safetensors.js';
import type { LendOptions, LentFiles } from '../hub/lent-files.js';

export interface LentWeights extends Pick<Shards, 'readHeader'> {
  /** The most that they take of the borrower's folder at a time, in bytes. */
  largest(): Promise<number>;
  lend(options: LendOptions): Shards['lend'];
}

/** Long enough for most headers. */
const HEAD_BYTES = 128 << 10;

export function lentWeights(lent: LentFiles, { signal }: { signal?: AbortSignal }): LentWeights {
  const find = (path: string) => {
    const file = lent.files.find((one) => one.path === basename(path));
    if (!file) throw checkpointError(path, 'the repository has no such file.');
    return file;
  };
  const read = async (path: string): Promise<SafetensorsFile> => {
    const file = find(path);
    const head = await lent.read(file, { position: 0, length: HEAD_BYTES }, signal);
    return readSafetensorsFrom(path, file.size, async ({ position, length }) =>
      position + length <= head.length
        ? head.subarray(position, position + length)
        : lent.read(file, { position, length }, signal),
    );
  };
  const headers = new Map<string, Promise<SafetensorsFile>>();
  return {
    largest: () => lent.largest(),
    readHeader(path) {
      const header = headers.get(path) ?? read(path);
      headers.set(path, header);
      // Another time it may be there.
      header.catch(() => headers.delete(path));
      return header;
    },
    lend: (options) => (path, work) => lent.lend(find(path), options, work),
  };
}
