/**
 * How much work the server takes on: requests and their bytes are counted from the first header to the last byte, and refused
 * with 429 beyond their bounds. Chats wait here for one of as many slots as the model has.
 *
 * What is short to finish goes first, but a chat is overtaken only by those that come soon after it: in line stands who has
 * the smallest sum of arrival number and cost, and cost counts no more than MAX_OVERTAKING arrivals.
 */
import { ApiError } from './api-error.js';

export interface AdmissionOptions {
  /** Chats at one time. */
  slots: number;
  /** Requests that wait beside those. */
  maxQueued: number;
  /** Of all requests together, bodies and fetched media. */
  maxBytes: number;
  /** Milliseconds, for tests. */
  now?: () => number;
}

/** Later arrivals that may go before a chat. */
const MAX_OVERTAKING = 16;
/** Positions of prompt and answer that weigh as much as one arrival. */
const COST_UNIT = 512;
const MAX_RETRY_SECONDS = 60;
/** How much the last chat counts in the mean. */
const NEWEST = 0.2;

/** How many chats stand before one in the line; told whenever it changes while the chat waits. */
export type PlaceListener = (before: number) => void;

interface Waiting {
  rank: number;
  start: () => void;
  onPlace: PlaceListener | undefined;
  /** What was told last. */
  place: number;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #now: () => number;
  readonly #visits = new Set<Visit>();
  readonly #queue: Waiting[] = [];
  #nArrived = 0;
  #nRunning = 0;
  #bytes = 0;
  /** Of a chat in its slot; undefined before the first has ended. */
  #meanMs: number | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get running(): number {
    return this.#nRunning;
  }

  /** Chats that wait for a slot. */
  get queued(): number {
    return this.#queue.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isIdle(): boolean {
    return this.#visits.size === 0;
  }

  /** @param bytes that its headers promise @throws 429 */
  arrive(bytes: number): Visit {
    const { slots, maxQueued } = this.#options;
    if (this.#visits.size >= slots + maxQueued) throw this.#full('requests');
    const visit = new Visit(this);
    this.#visits.add(visit);
    try {
      visit.addBytes(bytes);
    } catch (error) {
      visit.leave();
      throw error;
    }
    return visit;
  }

  /** @internal @throws 429 */
  takeBytes(bytes: number): void {
    if (this.#bytes + bytes > this.#options.maxBytes) throw this.#full('bytes of requests');
    this.#bytes += bytes;
  }

  /** @internal @param cost positions of prompt and answer @throws signal.reason */
  async slot(cost: number, signal: AbortSignal, onPlace?: PlaceListener): Promise<() => void> {
    signal.throwIfAborted();
    const rank = this.#nArrived++ + Math.min(MAX_OVERTAKING, cost / COST_UNIT);
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason);
        this.#tellPlaces();
      };
      const waiting: Waiting = {
        ...{ rank, onPlace, place: -1 },
        start: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      const behind = this.#queue.findIndex((other) => other.rank > rank);
      this.#queue.splice(behind < 0 ? this.#queue.length : behind, 0, waiting);
      this.#startNext();
    });
    const started = this.#now();
    return () => {
      const ms = this.#now() - started;
      this.#meanMs = this.#meanMs === undefined ? ms : ms * NEWEST + this.#meanMs * (1 - NEWEST);
      this.#nRunning--;
      this.#startNext();
    };
  }

  /** @internal */
  left(visit: Visit, bytes: number): void {
    if (this.#visits.delete(visit)) this.#bytes -= bytes;
  }

  /** Seconds until a place is likely to be free, by how long chats took. */
  get retryAfter(): number {
    const { slots } = this.#options;
    const seconds = ((this.#meanMs ?? 1000) / 1000) * ((this.#queue.length + 1) / slots);
    return Math.min(MAX_RETRY_SECONDS, Math.max(1, Math.ceil(seconds)));
  }

  #startNext(): void {
    while (this.#nRunning < this.#options.slots && this.#queue.length > 0) {
      this.#nRunning++;
      this.#queue.shift()!.start();
    }
    this.#tellPlaces();
  }

  #tellPlaces(): void {
    for (const [place, waiting] of this.#queue.entries()) {
      if (waiting.place !== place) waiting.onPlace?.(place);
      waiting.place = place;
    }
  }

  #full(what: string): ApiError {
    const headers = { 'retry-after': String(this.retryAfter) };
    const message = `The server has as many ${what} as it takes; try again in ${this.retryAfter} s.`;
    return new ApiError(429, message, { code: 'queue_full', headers });
  }
}

/** One request, from its first header on. */
export class Visit {
  readonly #admission: Admission;
  #bytes = 0;
  #hasLeft = false;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  /** @throws 429 */
  addBytes(bytes: number): void {
    if (this.#hasLeft) return;
    this.#admission.takeBytes(bytes);
    this.#bytes += bytes;
  }

  /** Does a chat's work in a slot. @throws signal.reason while it waits */
  async inSlot<T>(
    cost: number,
    signal: AbortSignal,
    work: () => Promise<T>,
    onPlace?: PlaceListener,
  ): Promise<T> {
    const release = await this.#admission.slot(cost, signal, onPlace);
    try {
      return await work();
    } finally {
      release();
    }
  }

  leave(): void {
    this.#hasLeft = true;
    this.#admission.left(this, this.#bytes);
  }
}
