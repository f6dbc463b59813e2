/**
 * Many chats on one native context. Chats wait in line for a sequence id and KV cells (`open`), then their prompts and
 * answers advance together, step by step (`generate`), until they give both back (`close`).
 *
 * The engine room knows ids and rows, nothing about text, images or options. An abort takes effect at once, or at the end
 * of the step that its chat is in; a step that fails takes only its own chats with it. Without work there is no timer and no promise that keeps the process alive.
 */

import type { NativeContext, NativeSample } from '../binding.js';
import { LlavaError } from '../errors.js';
import { advance, goesOn } from './advance.js';
import { chooseDrafts } from './choose-drafts.js';
import { KvCache, type KvCacheOptions } from './kv-cache.js';
import type { KvPrefix } from './kv-prefixes.js';
import { findLeader } from './leader.js';
import { PrefillPace } from './prefill-pace.js';
import type {
  GenerateEnd,
  GenerateRequest,
  Generation,
  PlaceRequest,
  Sequence,
} from './sequence.js';
import { chooseSlices, type Slice } from './slices.js';
import type { Turns } from './turns.js';

interface Waiting extends PlaceRequest {
  admit: (sequence: Sequence) => void;
}

export interface SchedulerStats {
  /** Chats that have a place: their pictures are encoded, their prompts read, or their answers under way. */
  running: number;
  /** Chats that wait for one. */
  queued: number;
  /** Cells of the KV cache that running chats hold or have set aside. Those of kept beginnings do not count: they give way. */
  kvCellsUsed: number;
  kvCells: number;
  /** Kept beginnings in plain memory. */
  prefixCacheBytes: number;
}

export class Scheduler {
  readonly #context: NativeContext;
  readonly #turns: Turns;
  readonly #cache: KvCache;
  /** First come, first served: a small chat does not overtake, so a large one cannot starve. */
  readonly #queue: Waiting[] = [];
  /** In order of start. */
  readonly #generating = new Set<Sequence>();
  readonly #closedMeanwhile: Sequence[] = [];
  /** Whose slices the native context decodes, or will when it is its turn among other models. */
  #stepping: readonly Sequence[] = [];
  #isRunning = false;
  /** The native context takes one operation at a time. */
  #isBusy = false;
  /** Something is copied into or out of the cache for the head of the queue. */
  #isMoving = false;
  readonly #pace = new PrefillPace();
  #turn = 0;

  constructor(context: NativeContext, turns: Turns, options: KvCacheOptions) {
    this.#context = context;
    this.#turns = turns;
    this.#cache = new KvCache(context, options);
  }

  get stats(): SchedulerStats {
    const { chats, cells, of, parkedBytes } = this.#cache.use;
    return {
      ...{ running: chats, queued: this.#queue.length, kvCellsUsed: cells, kvCells: of },
      prefixCacheBytes: parkedBytes,
    };
  }

  /** @throws ERR_CONTEXT_FULL when not even an empty context could hold a prompt of `rows` */
  checkFits(rows: number): void {
    this.#cache.checkFits(rows);
  }

  /** Waits for a place in the cache; every opened sequence must be closed.
   *  @throws ERR_CONTEXT_FULL when not even an empty context could hold the prompt; signal.reason */
  async open(request: PlaceRequest): Promise<Sequence> {
    this.#cache.checkFits(request.rows);
    request.signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        ...request,
        admit: (sequence) => {
          request.signal.removeEventListener('abort', leave);
          resolve(sequence);
        },
      };
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(request.signal.reason);
        this.#admit();
      };
      request.signal.addEventListener('abort', leave, { once: true });
      this.#queue.push(waiting);
      this.#admit();
    });
  }

  /** Prefills from `sequence.nPast` on and generates to the end of the answer. @throws ERR_DECODE, signal.reason */
  async generate(sequence: Sequence, request: GenerateRequest): Promise<GenerateEnd> {
    const { signal } = sequence;
    signal.throwIfAborted();
    const onAbort = () => {
      if (!this.#generating.has(sequence)) return;
      if (!this.#stepping.includes(sequence)) this.#end(sequence).reject(signal.reason);
      else if (this.#stepping.every((one) => one.signal.aborted)) this.#context.withdraw();
    };
    signal.addEventListener('abort', onAbort);
    try {
      return await new Promise<GenerateEnd>((resolve, reject) => {
        sequence.generation = { ...request, resolve, reject, next: undefined, nSampled: 0 };
        this.#generating.add(sequence);
        if (!this.#isRunning) void this.#run();
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Gives the place back, at the latest after the operation in flight. Not while it generates. */
  close(sequence: Sequence): void {
    if (this.#isBusy) {
      this.#closedMeanwhile.push(sequence);
      return;
    }
    this.#cache.release(sequence);
    this.#admit();
  }

  /** Runs `work` on the native context between steps. @throws what it throws */
  use<T>(work: (context: NativeContext) => Promise<T>): Promise<T> {
    return this.#turns.copy(() => this.#alone(() => work(this.#context)));
  }

  #admit(): void {
    if (this.#isBusy || this.#isMoving) return;
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      const victim = this.#cache.victimOf(head);
      if (victim) return void this.#move(() => this.#park(victim));
      const sequence = this.#cache.admit(head);
      if (!sequence) return;
      const waiting = head;
      if (sequence.parked) return void this.#move(() => this.#restore(sequence, waiting));
      this.#queue.shift();
      head.admit(sequence);
    }
  }

  /** The queue stands still until the copy is made: whoever comes next may share it. */
  async #move(copy: () => Promise<void>): Promise<void> {
    this.#isMoving = true;
    await this.#turns.copy(() => this.#alone(copy));
    this.#isMoving = false;
    this.#admit();
  }

  /** One that cannot be saved is lost, like any that gives way. */
  async #park(prefix: KvPrefix): Promise<void> {
    if (!this.#cache.holds(prefix)) return;
    const bytes = await this.#context.saveSequence(prefix.id).catch(() => null);
    this.#cache.park(prefix, bytes);
  }

  /** Its chat may be aborted meanwhile. */
  async #restore(sequence: Sequence, waiting: Waiting): Promise<void> {
    const { bytes, key } = sequence.parked!;
    try {
      await this.#context.loadSequence(sequence.id, bytes, key.length);
      this.#cache.restored(sequence);
    } catch {
      this.#cache.notRestored(sequence);
    }
    if (this.#queue[0] !== waiting) return this.close(sequence);
    this.#queue.shift();
    waiting.admit(sequence);
  }

  /** What closes, aborts or comes meanwhile is served afterwards. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
      this.#dropAborted();
      for (const sequence of this.#closedMeanwhile.splice(0)) this.close(sequence);
      this.#admit();
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#generating.size > 0) await this.#turns.step(() => this.#step());
    this.#isRunning = false;
  }

  /** Never throws: a failure belongs to the sequences of the step. */
  async #step(): Promise<void> {
    // Everything may have been aborted while others had their turns.
    if (this.#generating.size === 0) return;
    const slices = this.#chooseSlices();
    this.#stepping = [...slices.keys()];
    await this.#alone(async () => {
      const idle = this.#cache.idlePrefix();
      if (idle) await this.#park(idle);
      await this.#decode(slices);
    });
  }

  #chooseSlices(): Map<Sequence, Slice> {
    const sequences = this.#followLeaders();
    const { nBatch, nOutputs } = this.#context;
    const reserve = (sequence: Sequence, n: number) => this.#cache.reserve(sequence, n);
    const drafts = chooseDrafts(sequences, { nBatch, nOutputs, reserve });
    return chooseSlices(
      sequences,
      { nBatch, nPrefill: this.#pace.rows(this.#turns.tileMs) },
      this.#turn++,
      drafts,
    );
  }

  async #decode(slices: ReadonlyMap<Sequence, Slice>): Promise<void> {
    const natives = [...slices.values()].map(({ native }) => native);
    const rows = [...slices.values()].reduce((sum, slice) => sum + slice.rows, 0);
    const start = performance.now();
    try {
      const samples = await this.#context.step(natives, this.#goesOn(slices));
      // Single tokens may have been computed ahead: their step says nothing.
      if (rows > natives.length) this.#pace.note(rows, performance.now() - start);
      let i = 0;
      for (const [sequence, slice] of slices) this.#advance(sequence, slice, samples[i++]!);
    } catch (error) {
      this.#failStep(error);
    } finally {
      this.#stepping = [];
    }
  }

  /** Whether the next step will be of just the tokens that this one brings, as far as can be known. */
  #goesOn(slices: ReadonlyMap<Sequence, Slice>): boolean {
    const isAlone = slices.size === this.#generating.size && this.#closedMeanwhile.length === 0;
    return isAlone && !this.#turns.isAwaited && [...slices.keys()].every(goesOn);
  }

  /** @returns the sequences that can go on now; the others wait for the one that computes what they share */
  #followLeaders(): Sequence[] {
    const generating = [...this.#generating];
    if (!this.#cache.keepsPrefixes) return generating;
    return generating.filter((sequence) => {
      const found = findLeader(sequence, generating);
      if (!found) return true;
      if (found.leader.nPast < found.shared) return false;
      this.#cache.share(sequence, found.leader, found.shared);
      return true;
    });
  }

  #advance(sequence: Sequence, slice: Slice, sample: NativeSample | null): void {
    try {
      const end = advance(sequence, slice, { sample, context: this.#context, cache: this.#cache });
      if (end) this.#end(sequence).resolve(end);
    } catch (error) {
      this.#end(sequence).reject(error);
    }
  }

  /** A full cache decoded nothing, so the youngest alone makes room; after any other failure the step's rows are in doubt. */
  #failStep(error: unknown): void {
    const code = error instanceof LlavaError ? error.code : undefined;
    // Nothing was decoded, for sequences that are about to be dropped.
    if (code === 'ERR_CANCELLED') return;
    const isFull = code === 'ERR_CONTEXT_FULL';
    if (!isFull) this.#cache.spoil();
    const failed = isFull ? [...this.#generating].slice(-1) : this.#stepping;
    for (const sequence of failed) this.#end(sequence).reject(error);
  }

  #dropAborted(): void {
    for (const sequence of this.#generating)
      if (sequence.signal.aborted) this.#end(sequence).reject(sequence.signal.reason);
  }

  #end(sequence: Sequence): Generation {
    const generation = sequence.generation!;
    sequence.generation = null;
    this.#generating.delete(sequence);
    return generation;
  }
}
