/**
 * Who holds which positions of the native context: chats under way, and prefixes kept for later ones. Chats with the same
 * beginning share its cells, which are counted once.
 *
 * A chat is admitted with room for its prompt and its answer, so that no step ever runs out of cells. An answer without a
 * limit that grows beyond that takes free cells one by one and ends when there are none: what a chat was promised is
 * never taken from it, so nobody waits for anybody in a circle. Kept prefixes give way to chats: the large ones to plain
 * memory. Everything here happens between steps, at once; copying to and fro is the scheduler's.
 */
import type { NativeContext } from '../binding.js';
import { CellBudget } from './cell-budget.js';
import { CellSpans, type Span } from './cell-spans.js';
import { type KvPrefix, KvPrefixes } from './kv-prefixes.js';
import { type ParkedPrefix, ParkedPrefixes } from './parked-prefixes.js';
import type { PromptKey } from './prompt-key.js';
import { cachedKey, type PlaceRequest, type Sequence } from './sequence.js';

export interface KvCacheOptions {
  nCtxTrain: number;
  /** Chats at one time; ids of the context beyond those are for prefixes. */
  maxSequences: number;
  keepsPrefixes: boolean;
  /** Memory for prefixes outside of the context. */
  maxParkedBytes: number;
}

/** Positions that are sooner copied than computed, or attended to for nothing. */
const WORTH_COPYING = 256;

/** Where a new chat's first `shared` positions are. */
interface Source {
  id: number;
  span: Span;
  shared: number;
  /** Undefined when it is a chat under way. */
  prefix: KvPrefix | undefined;
}

/** A new chat's place: what it goes on from, in the context or outside, and how far it may reach. */
interface Plan {
  source: Source | undefined;
  parked: ParkedPrefix | undefined;
  end: number;
  /** Cells to take. */
  cells: number;
}

export class KvCache {
  readonly #context: NativeContext;
  readonly #budget: CellBudget;
  readonly #options: KvCacheOptions;
  readonly #spans = new CellSpans();
  readonly #active = new Set<Sequence>();
  readonly #prefixes = new KvPrefixes();
  readonly #parked: ParkedPrefixes;
  readonly #freeIds: number[];
  #isSpoilt = false;

  constructor(context: NativeContext, options: KvCacheOptions) {
    this.#context = context;
    this.#options = options;
    this.#budget = new CellBudget(context.nCtx, options.nCtxTrain);
    this.#parked = new ParkedPrefixes(options.keepsPrefixes ? options.maxParkedBytes : 0);
    this.#freeIds = Array.from({ length: context.nSeqMax }, (_, id) => id);
  }

  get keepsPrefixes(): boolean {
    return this.#options.keepsPrefixes;
  }

  /** Chats that have a place, the cells that those hold or have set aside, and what is kept in plain memory. */
  get use(): { chats: number; cells: number; of: number; parkedBytes: number } {
    const cells = this.#spans.heldBy([...this.#active].map(({ span }) => span));
    const { bytes: parkedBytes } = this.#parked;
    return { chats: this.#active.size, cells, of: this.#budget.nCtx, parkedBytes };
  }

  /** @throws ERR_CONTEXT_FULL when no empty context could hold a prompt of `rows` */
  checkFits(rows: number): void {
    this.#budget.check(rows);
  }

  /** A place with the longest beginning that is in the cache, but never all of the prompt: its last position is
   *  computed for the logits. A beginning that is parked has to be copied into it: see `restored`.
   *  Undefined when there is no room now. */
  admit(request: PlaceRequest): Sequence | undefined {
    const plan = this.#plan(request);
    if (!plan) return undefined;
    const { source, parked, end, cells } = plan;
    while (this.#lacks(plan)) {
      const victim = this.#prefixes.oldest(source?.prefix);
      if (!victim) break;
      this.#drop(victim);
    }
    const place = source ? this.#enter(source, end) : this.#enterEmpty(cells);
    const shared = source?.shared ?? 0;
    const progress = { nPast: shared, nCached: shared, generation: null };
    const { key, maxTokens, reserved = maxTokens, signal } = request;
    const wishes = { key, maxTokens, reserved, signal };
    const sequence = { ...place, ...wishes, answered: [], parked, ...progress };
    this.#active.add(sequence);
    return sequence;
  }

  /** What is worth parking of that which has to go before the request can be admitted. */
  victimOf(request: PlaceRequest): KvPrefix | undefined {
    const plan = this.#plan(request);
    if (!plan || !this.#lacks(plan)) return undefined;
    const { source } = plan;
    const victim =
      this.#prefixes.oldest(source?.prefix) ?? (goesOn(source) ? undefined : source?.prefix);
    return victim && this.#isWorthParking(victim) ? victim : undefined;
  }

  /** A prefix that slows the chats under way: attention reads over its cells too. */
  idlePrefix(): KvPrefix | undefined {
    if (this.#active.size === 0) return undefined;
    return [...this.#prefixes].find((prefix) => this.#isWorthParking(prefix));
  }

  holds(prefix: KvPrefix): boolean {
    return this.#prefixes.has(prefix);
  }

  /** Frees the cells of a prefix, which `bytes` hold; null when they could not be had. */
  park(prefix: KvPrefix, bytes: Uint8Array | null): void {
    this.#drop(prefix);
    if (bytes) this.#parked.add({ key: prefix.key, bytes });
  }

  /** The parked beginning of the sequence is in its cells; what the prompt does not share goes. */
  restored(sequence: Sequence): void {
    const { parked, key, id, span } = sequence;
    const rows = parked!.key.length;
    const shared = Math.min(key.length - 1, key.common(parked!.key));
    if (shared < rows) this.#context.removePositions(id, shared);
    this.#spans.resize(span, this.#budget.wanted(key.length, sequence.reserved));
    this.#parked.use(parked!);
    sequence.nPast = shared;
    sequence.nCached = shared;
    sequence.parked = undefined;
  }

  /** The parked beginning of the sequence could not be had; all of its prompt is computed. */
  notRestored(sequence: Sequence): void {
    this.#parked.delete(sequence.parked!);
    this.#spans.resize(sequence.span, this.#budget.wanted(sequence.key.length, sequence.reserved));
    sequence.parked = undefined;
  }

  /** Makes sure that the sequence can hold one position more; false when its answer has to end. */
  grow(sequence: Sequence): boolean {
    if (sequence.nPast >= this.#budget.nPositions) return false;
    if (sequence.nPast < sequence.span.end) return true;
    while (this.#nFree === 0) {
      const victim = this.#prefixes.oldest(undefined);
      if (!victim) return false;
      this.#drop(victim);
    }
    this.#spans.resize(sequence.span, sequence.span.end + 1);
    return true;
  }

  /** Sets aside what is free for `positions` behind the next one. @returns for how many there is room */
  reserve(sequence: Sequence, positions: number): number {
    const { nPast, span } = sequence;
    const wanted = Math.min(this.#budget.nPositions, nPast + 1 + positions);
    const end = Math.min(wanted, span.end + this.#nFree);
    if (end > span.end) this.#spans.resize(span, end);
    return Math.max(0, Math.min(wanted, span.end) - nPast - 1);
  }

  /** Makes `follower`, which has computed less, share the first `shared` positions of `leader`. */
  share(follower: Sequence, leader: Sequence, shared: number): void {
    const { end } = follower.span;
    this.#spans.release(follower.span);
    follower.span = this.#spans.fork(leader.span, shared, end);
    this.#context.removePositions(follower.id, 0);
    this.#context.copySequence(leader.id, follower.id, shared);
    follower.nCached += shared - follower.nPast;
    follower.nPast = shared;
  }

  /** Takes the place back; what is in the cache is kept for chats that begin alike. */
  release(sequence: Sequence): void {
    this.#active.delete(sequence);
    if (!this.#keep(sequence)) this.#drop(sequence);
    if (this.#active.size === 0) this.#isSpoilt = false;
  }

  /** After a step that failed: values in the cache are in doubt, so nothing is kept until no chat is under way. */
  spoil(): void {
    this.#isSpoilt = true;
    for (const prefix of [...this.#prefixes]) this.#drop(prefix);
  }

  get #nFree(): number {
    return this.#budget.nCtx - this.#spans.nTaken;
  }

  /** Undefined when there is no room now, even if all prefixes left. */
  #plan({ key, rows, maxTokens, reserved = maxTokens }: PlaceRequest): Plan | undefined {
    if (this.#active.size >= this.#options.maxSequences) return undefined;
    const end = this.#budget.wanted(rows, reserved);
    const source = this.#findSource(key, rows - 1);
    const shared = source?.shared ?? 0;
    const parked = this.#isSpoilt ? undefined : this.#parked.findLongest(key);
    const gain = parked ? Math.min(rows - 1, key.common(parked.key)) - shared : 0;
    if (parked && gain >= WORTH_COPYING) {
      const cells = Math.max(end, parked.key.length);
      if (this.#canFree(cells, undefined)) return { source: undefined, parked, end, cells };
    }
    const cells = end - shared;
    return this.#canFree(cells, source) ? { source, parked: undefined, end, cells } : undefined;
  }

  #lacks({ source, cells }: Plan): boolean {
    return cells > this.#nFree || (this.#freeIds.length === 0 && !goesOn(source));
  }

  #isWorthParking({ span }: KvPrefix): boolean {
    if (this.#parked.isOff) return false;
    const inUse = [...this.#active].map((sequence) => sequence.span);
    const last = { span, limit: Number.POSITIVE_INFINITY };
    return this.#spans.heldBy(inUse, last) - this.#spans.heldBy(inUse) >= WORTH_COPYING;
  }

  #findSource(key: PromptKey, limit: number): Source | undefined {
    if (!this.#options.keepsPrefixes || this.#isSpoilt) return undefined;
    let best: Source | undefined;
    const consider = (cached: PromptKey, { id, span }: KvPrefix | Sequence, prefix?: KvPrefix) => {
      const shared = Math.min(limit, key.common(cached));
      // The last used one wins a tie: what all prompts begin with shall keep nothing else alive.
      if (shared > 0 && shared >= (best?.shared ?? 0)) best = { id, span, shared, prefix };
    };
    for (const prefix of this.#prefixes) consider(prefix.key, prefix, prefix);
    for (const sequence of this.#active) consider(cachedKey(sequence), sequence);
    return best;
  }

  /** Whether that many cells would be free if only chats, and what the source shares, stayed. */
  #canFree(cells: number, source: Source | undefined): boolean {
    const spans = [...this.#active].map(({ span }) => span);
    const shared = source && { span: source.span, limit: source.shared };
    return cells <= this.#budget.nCtx - this.#spans.heldBy(spans, shared);
  }

  /** Beside the source; in its place when that is a prefix that goes on, or that has no room beside it. */
  #enter(source: Source, end: number): Pick<Sequence, 'id' | 'span'> {
    const { id, span, shared, prefix } = source;
    const hasRoom = end - shared <= this.#nFree && this.#freeIds.length > 0;
    const isTakenOver = prefix && (goesOn(source) || !hasRoom);
    const own = this.#spans.fork(span, shared, end);
    if (isTakenOver) {
      this.#prefixes.delete(prefix);
      this.#spans.release(prefix.span);
      this.#context.removePositions(id, shared);
      return { id, span: own };
    }
    if (prefix) this.#prefixes.use(prefix);
    const target = this.#freeIds.shift()!;
    this.#context.copySequence(id, target, shared);
    return { id: target, span: own };
  }

  #enterEmpty(end: number): Pick<Sequence, 'id' | 'span'> {
    return { id: this.#freeIds.shift()!, span: this.#spans.open(end) };
  }

  #keep(sequence: Sequence): boolean {
    const { id, span, nPast } = sequence;
    if (!this.#options.keepsPrefixes || this.#isSpoilt || nPast === 0) return false;
    const key = cachedKey(sequence);
    const holder = this.#prefixes.holding(key);
    if (holder) {
      this.#prefixes.use(holder);
      return false;
    }
    for (const prefix of this.#prefixes.within(key)) this.#drop(prefix);
    this.#spans.resize(span, nPast);
    this.#prefixes.use({ id, key, span });
    return true;
  }

  #drop(holder: KvPrefix | Sequence): void {
    this.#prefixes.delete(holder);
    this.#spans.release(holder.span);
    this.#context.removePositions(holder.id, 0);
    this.#freeIds.push(holder.id);
  }
}

/** Whether nothing of a prefix is lost when the chat takes it over. */
function goesOn(source: Source | undefined): boolean {
  return source?.prefix !== undefined && source.shared === source.prefix.key.length;
}
