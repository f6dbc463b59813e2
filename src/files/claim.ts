/**
 * Work that one process at a time does, on machines that share a disk too. Whoever is at it has an id, `HOST-PID-ID`, in a
 * file that it touches every few seconds: one that is not touched any more, or whose process on this host is gone, is
 * taken over. Should that be guessed wrong, two do the same work: what they write has to bear that, and one that fails because
 * of it waits for the other.
 */
import { createHash, randomBytes } from 'node:crypto';
import { rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { readText } from './read-whole.js';
import { isAlive } from './whole-file.js';
import { withFile } from './with-file.js';

export const POLL_MS = 500;
/** Several touches were missed: every container has a host name of its own, so its processes cannot be looked for. */
const ABANDONED_MS = 30_000;
const TOUCH_MS = 5000;
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** What an id looks like in a name. */
export const CLAIM_ID = '[0-9a-f]{8}-\\d+-[0-9a-f]{8}';

/** Ids of this process; a process id alone may be that of an earlier one. */
const own = new Set<string>();

/** To be dropped when the work is over. */
export function takeId(): string {
  const id = `${HOST}-${process.pid}-${randomBytes(4).toString('hex')}`;
  own.add(id);
  return id;
}

export function dropId(id: string): void {
  own.delete(id);
}

/** Whether the process of an id is at it still. @param touchedMs when its file was last touched */
export function isHeld(id: string, touchedMs: number): boolean {
  if (Date.now() - touchedMs >= ABANDONED_MS) return false;
  const [host, pid] = id.split('-');
  if (host !== HOST) return true;
  return Number(pid) === process.pid ? own.has(id) : isAlive(Number(pid));
}

export async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => {});
}

/** @returns what ends it */
export function keepTouching(path: string): () => void {
  const timer = setInterval(() => void touch(path), TOUCH_MS).unref();
  return () => clearInterval(timer);
}

export interface ClaimOptions {
  /** Whether another has done the work. */
  isDone: () => Promise<boolean>;
  /** Each time that another is found at it. */
  onWait?: () => void;
  signal?: AbortSignal | undefined;
}

/** Does the work while no other process does, or waits until one has. @param path of the file that says who is at it
 *  @param work knows its own id @throws what the system and `work` do, signal.reason */
export async function withClaim<T>(
  path: string,
  { isDone, onWait, signal }: ClaimOptions,
  work: (id: string) => Promise<T>,
): Promise<T | undefined> {
  for (;;) {
    signal?.throwIfAborted();
    if (await isDone()) return undefined;
    const release = await claim(path);
    if (release) {
      try {
        return (await isDone()) ? undefined : await work(release.id);
      } catch (error) {
        if (!(await release.isLost())) throw error;
      } finally {
        await release.end();
      }
    }
    onWait?.();
    await sleep(POLL_MS, undefined, { ...(signal && { signal }) }).catch(() => {});
  }
}

async function claim(path: string) {
  const id = takeId();
  const isMade = await write(path, id).catch((error) => {
    dropId(id);
    throw error;
  });
  if (!isMade) {
    await removeAbandoned(path, id);
    dropId(id);
    return undefined;
  }
  const stop = keepTouching(path);
  const end = async () => {
    stop();
    dropId(id);
    // Not that of another, who thought we were gone.
    if ((await readText(path).catch(() => '')) === id) await rm(path, { force: true });
  };
  const isLost = async () => (await readText(path).catch(() => id)) !== id;
  return { id, isLost, end };
}

async function write(path: string, id: string): Promise<boolean> {
  try {
    await withFile(path, 'wx', (file) => file.writeFile(id));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeAbandoned(path: string, id: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  const other = await readText(path).catch(() => undefined);
  if (!info || other === undefined) return;
  // One that says nothing was made just now.
  const isEmpty = other === '' && Date.now() - info.mtimeMs < ABANDONED_MS;
  if (isEmpty || isHeld(other, info.mtimeMs)) return;
  const aside = `${path}.${id}`;
  await rename(path, aside).catch(() => {});
  await rm(aside, { force: true });
}
