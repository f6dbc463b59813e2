/**
 * What a user names to be read as a whole: a file, or a pipe, such as a shell's `<(…)`. A pipe is waited for, until the signal
 * says no more; neither may hold more than a text of ours can.
 */
import { closeSync, constants, fstatSync, open } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { MAX_TEXT_BYTES, readWhole } from './read-whole.js';

/** @throws as the system does, for more than `maxBytes` too; signal.reason */
export async function readInput(
  path: string,
  {
    maxBytes = MAX_TEXT_BYTES,
    signal,
  }: { maxBytes?: number; signal?: AbortSignal | undefined } = {},
): Promise<string> {
  signal?.throwIfAborted();
  const pipe = await openPipe(path);
  try {
    if (!pipe) return (await readWhole(path, { maxBytes, signal })).toString();
    return (await readAll(pipe, maxBytes, signal)).toString();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    pipe?.destroy();
  }
}

/** Undefined for whatever else is there. Reading it by the file system would take one of its threads for as long as nobody
 *  writes, and a process that is to end would wait for that thread. */
async function openPipe(path: string): Promise<Socket | undefined> {
  const fd = await promisify(open)(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  if (fstatSync(fd).isFIFO()) return new Socket({ fd, readable: true, writable: false });
  closeSync(fd);
  return undefined;
}

async function readAll(pipe: Socket, maxBytes: number, signal?: AbortSignal): Promise<Buffer> {
  signal?.throwIfAborted();
  const leave = () => pipe.destroy(new Error('aborted'));
  signal?.addEventListener('abort', leave);
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of pipe) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new Error(`it is longer than the ${maxBytes} bytes allowed`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}
