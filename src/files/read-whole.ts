/** Files in one piece, none larger than what is asked for can be. */
import type { FileHandle } from 'node:fs/promises';
import { withFile } from './with-file.js';

export interface ReadOptions {
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** JSON and lists: far beyond any tokenizer, and parsed within Node's memory. */
export const MAX_TEXT_BYTES = 32 << 20;

/** @throws as the system does, for a larger file too; signal.reason's error as Node does */
export function readWhole(path: string, options: ReadOptions): Promise<Buffer> {
  return withFile(path, 'r', async (file) => {
    await checkSize(file, path, options.maxBytes);
    return file.readFile({ signal: options.signal });
  });
}

/** @throws as the system does, for a larger file too */
export async function readText(path: string, maxBytes = MAX_TEXT_BYTES): Promise<string> {
  return (await readWhole(path, { maxBytes })).toString();
}

async function checkSize(file: FileHandle, path: string, maxBytes: number): Promise<void> {
  const { size } = await file.stat();
  if (size > maxBytes)
    throw Object.assign(new Error(`${size} bytes are more than the ${maxBytes} allowed: ${path}`), {
      syscall: 'read',
    });
}
