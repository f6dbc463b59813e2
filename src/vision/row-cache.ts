/**
 * Visual rows by content, so that a picture is encoded once: in memory up to a number of bytes, the least recently used
 * leave first, and optionally in files. Requests for the same key that come while it is encoded wait for that one job,
 * which goes on until its last waiter has left. Knows nothing about pixels: what a key stands for is the caller's.
 */
import { createHash } from 'node:crypto';
import type { RowFiles } from './row-files.js';

export interface RowRequest {
  /** How many values the rows have: a file of another length is not theirs. */
  nValues: number;
  /** Called if the rows are nowhere. Its signal aborts when nobody waits for them any more. */
  encode: (signal: AbortSignal, onTile: TileListener) => Promise<Float32Array>;
  signal?: AbortSignal | undefined;
  /** Tells of tiles encoded from now on. What it throws fails this request alone. */
  onTile?: TileListener | undefined;
}

export type TileListener = (done: number, total: number) => void;

export interface CachedRows {
  /** Shared: do not mutate. */
  data: Float32Array;
  /** The rows were there, or on their way for somebody else. */
  isCached: boolean;
}

/** Names rows: equal only for the same pixels (`hash`), turned into rows in the same way by the same tower, for the same scope. */
export function rowKey(
  hash: string,
  plan: object,
  { tower, scope }: { tower: string; scope?: string | undefined },
): string {
  const parts = JSON.stringify([hash, plan, tower, ...(scope === undefined ? [] : [scope])]);
  return createHash('sha256').update(parts).digest('hex');
}

export class RowCache {
  readonly #maxBytes: number;
  readonly #files: RowFiles | null;
  /** Least recently used first. */
  readonly #rows = new Map<string, Float32Array>();
  #bytes = 0;
  #tilesEncoded = 0;
  readonly #jobs = new Map<string, Job>();

  /** @param options.maxBytes of rows kept in memory; rows handed out live on with their users */
  constructor({ maxBytes, files }: { maxBytes: number; files: RowFiles | null }) {
    this.#maxBytes = maxBytes;
    this.#files = files;
  }

  /** Bytes of rows in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Since the beginning; those of jobs that were given up count. */
  get tilesEncoded(): number {
    return this.#tilesEncoded;
  }

  /** @throws what `encode` throws; signal.reason, after the job has ended if nobody else waits for it */
  async get(key: string, request: RowRequest): Promise<CachedRows> {
    request.signal?.throwIfAborted();
    const data = this.#find(key);
    if (data) return { data, isCached: true };
    const running = this.#jobs.get(key);
    const job = running ?? this.#start(key, request.nValues);
    const rows = await job.wait(request);
    return { data: rows, isCached: running !== undefined || job.isFromFile };
  }

  /** Waits for files being written. */
  async close(): Promise<void> {
    await this.#files?.close();
  }

  #find(key: string): Float32Array | undefined {
    const data = this.#rows.get(key);
    if (data) {
      this.#rows.delete(key);
      this.#rows.set(key, data);
    }
    return data;
  }

  #start(key: string, nValues: number): Job {
    const forget = () => {
      if (this.#jobs.get(key) === job) this.#jobs.delete(key);
    };
    const work = async () => {
      const stored = await this.#files?.read(key, nValues);
      if (stored) job.isFromFile = true;
      const data = stored ?? (await job.encode());
      if (!stored) this.#files?.write(key, data);
      this.#keep(key, data);
      return data;
    };
    const onTiles = (n: number) => {
      this.#tilesEncoded += n;
    };
    const job = new Job(work, { onClosed: forget, onTiles });
    this.#jobs.set(key, job);
    return job;
  }

  #keep(key: string, data: Float32Array): void {
    if (data.byteLength > this.#maxBytes || this.#rows.has(key)) return;
    this.#rows.set(key, data);
    this.#bytes += data.byteLength;
    for (const [oldest, { byteLength }] of this.#rows) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#rows.delete(oldest);
      this.#bytes -= byteLength;
    }
  }
}

interface Waiter extends Pick<RowRequest, 'encode' | 'onTile'> {
  fail: (reason: unknown) => void;
}

interface JobOptions {
  /** Nobody may join from now on. */
  onClosed: () => void;
  /** So many more are encoded. */
  onTiles: (n: number) => void;
}

/** One encoding and those who wait for it. */
class Job {
  isFromFile = false;
  readonly #abort = new AbortController();
  readonly #waiters = new Set<Waiter>();
  readonly #rows: Promise<Float32Array>;
  readonly #options: JobOptions;
  #nTiles = 0;

  constructor(work: () => Promise<Float32Array>, options: JobOptions) {
    this.#options = options;
    // Begins when the constructor is done: `work` refers to the job.
    this.#rows = Promise.resolve().then(work).finally(options.onClosed);
    this.#rows.catch(() => {}); // may fail after its last waiter has left
  }

  /** Encodes with the means of one who still waits: those of one who left may be closed. */
  async encode(): Promise<Float32Array> {
    this.#abort.signal.throwIfAborted();
    const [first] = this.#waiters;
    return first!.encode(this.#abort.signal, (done, total) => this.#report(done, total));
  }

  wait({ encode, signal, onTile }: RowRequest): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        signal?.removeEventListener('abort', onAbort);
        return this.#waiters.delete(waiter);
      };
      const fail = (reason: unknown) => {
        if (leave()) void this.#left(reason).then(() => reject(reason));
      };
      const onAbort = () => fail(signal!.reason);
      const waiter = { encode, onTile, fail };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort);
      this.#rows.then(
        (rows) => leave() && resolve(rows),
        (error) => leave() && reject(error),
      );
    });
  }

  #report(done: number, total: number): void {
    this.#options.onTiles(done - this.#nTiles);
    this.#nTiles = done;
    for (const waiter of this.#waiters) {
      try {
        waiter.onTile?.(done, total);
      } catch (error) {
        waiter.fail(error);
      }
    }
  }

  async #left(reason: unknown): Promise<void> {
    if (this.#waiters.size > 0) return;
    this.#options.onClosed();
    this.#abort.abort(reason);
    await this.#rows.catch(() => {});
  }
}
