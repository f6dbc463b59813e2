/**
 * How much work the server takes on: requests and their bytes are counted from the first header to the last byte, and refused
 * with 429 beyond their bounds. Chats wait here for one of as many slots as the model has.
 *
 * Keys share slots evenly (waiting-line.ts), and where there are several none takes so much that nothing is left for
 * another: a second request of a key is taken only where its own, with it, are at most LARGEST_SHARE times what is free.
 * Of one key's chats, what is short to finish goes first, but a chat is overtaken only by those that come soon after it:
 * in line stands who has the smallest sum of arrival number and cost, and cost counts no more than MAX_OVERTAKING arrivals.
 */
import { ApiError } from './api-error.js';
import { type Owner, type Waiting, WaitingLine } from './waiting-line.js';

export interface AdmissionOptions {
  /** Chats at one time. */
  slots: number;
  /** Requests that wait beside those. */
  maxQueued: number;
  /** Of all requests together, bodies and fetched media. */
  maxBytes: number;
  /** Whether there are several keys, now. */
  isShared?: () => boolean;
  /** Milliseconds, for tests. */
  now?: () => number;
}

/** Later arrivals that may go before a chat. */
const MAX_OVERTAKING = 16;
/** Positions of prompt and answer that weigh as much as one arrival. */
const COST_UNIT = 512;
/** One key alone has three quarters at most, two have three sevenths each. */
const LARGEST_SHARE = 3;
const MAX_RETRY_SECONDS = 60;
/** How much the last chat counts in the mean. */
const NEWEST = 0.2;

/** How many chats stand before one in the line; told whenever it changes while the chat waits. */
export type PlaceListener = (before: number) => void;

interface Asked {
  /** Positions of prompt and answer. */
  cost: number;
  owner: Owner;
  onPlace: PlaceListener | undefined;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #now: () => number;
  readonly #visits = new Set<Visit>();
  readonly #queue = new WaitingLine();
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

  /** @param bytes that its headers promise @param owner whose key it shows @throws 429 */
  arrive(bytes: number, owner?: Owner): Visit {
    const { slots, maxQueued } = this.#options;
    const free = slots + maxQueued - this.#visits.size - 1;
    if (free < 0) throw this.#full('requests');
    const own = this.#ofKey(owner);
    if (isTooMuch(own.length, own.length + 1, free)) throw this.#full('requests of this key');
    const visit = new Visit(this, owner);
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
  takeBytes(bytes: number, visit: Visit): void {
    const free = this.#options.maxBytes - this.#bytes - bytes;
    if (free < 0) throw this.#full('bytes of requests');
    const others = this.#ofKey(visit.owner).filter((other) => other !== visit);
    const before = others.reduce((sum, other) => sum + other.bytes, 0);
    if (bytes > 0 && isTooMuch(before, before + visit.bytes + bytes, free))
      throw this.#full('bytes of this key’s requests');
    this.#bytes += bytes;
  }

  /** What a key has in the house; nothing where all is one key's. */
  #ofKey(owner: Owner): Visit[] {
    if (this.#options.isShared?.() !== true) return [];
    return [...this.#visits].filter((visit) => visit.owner === owner);
  }

  /** @internal @throws signal.reason */
  async slot({ cost, owner, onPlace }: Asked, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const rank = this.#nArrived++ + Math.min(MAX_OVERTAKING, cost / COST_UNIT);
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#queue.remove(waiting);
        reject(signal.reason);
        this.#tellPlaces();
      };
      const waiting: Waiting = {
        ...{ owner, rank, onPlace, place: -1 },
        start: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#queue.add(waiting);
      this.#startNext();
    });
    const started = this.#now();
    return () => {
      const ms = this.#now() - started;
      this.#meanMs = this.#meanMs === undefined ? ms : ms * NEWEST + this.#meanMs * (1 - NEWEST);
      this.#nRunning--;
      this.#queue.release(owner);
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
      this.#queue.next()!.start();
    }
    this.#tellPlaces();
  }

  #tellPlaces(): void {
    if (!this.#queue.isWatched) return;
    for (const [place, waiting] of this.#queue.inOrder().entries()) {
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

  constructor(
    admission: Admission,
    readonly owner: Owner,
  ) {
    this.#admission = admission;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws 429 */
  addBytes(bytes: number): void {
    if (this.#hasLeft) return;
    this.#admission.takeBytes(bytes, this);
    this.#bytes += bytes;
  }

  /** Does a chat's work in a slot. @throws signal.reason while it waits */
  async inSlot<T>(
    cost: number,
    signal: AbortSignal,
    work: () => Promise<T>,
    onPlace?: PlaceListener,
  ): Promise<T> {
    const release = await this.#admission.slot({ cost, owner: this.owner, onPlace }, signal);
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

/** Whether a key that has something already would leave too little to the others. */
function isTooMuch(before: number, after: number, free: number): boolean {
  return before > 0 && after > LARGEST_SHARE * free;
}
