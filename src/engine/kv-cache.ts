/**
 * Who holds which positions of the native context: chats under way, and prefixes kept for later ones. Chats with the same
 * beginning share its cells, which are counted once.
 *
 * A chat is admitted with room for its prompt and its answer, so that no step ever runs out of cells. An answer without a
 * limit that grows beyond that takes free cells one by one and ends when there are none: what a chat was promised is
 * never taken from it, so nobody waits for anybody in a circle. Kept prefixes give way to chats.
 * Everything here happens between steps, at once.
 */
import type { NativeContext } from '../binding.js';
import { CellBudget } from './cell-budget.js';
import { CellSpans, type Span } from './cell-spans.js';
import { type KvPrefix, KvPrefixes } from './kv-prefixes.js';
import type { PromptKey } from './prompt-key.js';
import { cachedKey, type Sequence } from './sequence.js';

export interface KvCacheOptions {
  nCtxTrain: number;
  /** Chats at one time; ids of the context beyond those are for prefixes. */
  maxSequences: number;
  keepsPrefixes: boolean;
}

export interface PlaceRequest {
  /** What is at the positions of the prompt, or its beginning, to be looked for in the cache. */
  key: PromptKey;
  /** Positions of the prompt. */
  rows: number;
  maxTokens: number | undefined;
  signal: AbortSignal;
}

/** Where a new chat's first `shared` positions are. */
interface Source {
  id: number;
  span: Span;
  shared: number;
  /** Undefined when it is a chat under way. */
  prefix: KvPrefix | undefined;
}

export class KvCache {
  readonly #context: NativeContext;
  readonly #budget: CellBudget;
  readonly #options: KvCacheOptions;
  readonly #spans = new CellSpans();
  readonly #active = new Set<Sequence>();
  readonly #prefixes = new KvPrefixes();
  readonly #freeIds: number[];
  #isSpoilt = false;

  constructor(context: NativeContext, options: KvCacheOptions) {
    this.#context = context;
    this.#options = options;
    this.#budget = new CellBudget(context.nCtx, options.nCtxTrain);
    this.#freeIds = Array.from({ length: context.nSeqMax }, (_, id) => id);
  }

  get keepsPrefixes(): boolean {
    return this.#options.keepsPrefixes;
  }

  /** @throws ERR_CONTEXT_FULL when no empty context could hold a prompt of `rows` */
  checkFits(rows: number): void {
    this.#budget.check(rows);
  }

  /** A place with the longest beginning that is in the cache, but never all of the prompt: its last position is
   *  computed for the logits. Undefined when there is no room now. */
  admit({ key, rows, maxTokens, signal }: PlaceRequest): Sequence | undefined {
    if (this.#active.size >= this.#options.maxSequences) return undefined;
    const source = this.#findSource(key, rows - 1);
    const shared = source?.shared ?? 0;
    const end = this.#budget.wanted(rows, maxTokens);
    if (!this.#canFree(end - shared, source)) return undefined;
    while (this.#lacksCells(end - shared) || (this.#freeIds.length === 0 && !goesOn(source))) {
      const victim = this.#prefixes.oldest(source?.prefix);
      if (!victim) break;
      this.#drop(victim);
    }
    const place = source ? this.#enter(source, end) : this.#enterEmpty(end);
    const progress = { nPast: shared, nCached: shared, generation: null };
    const sequence = { ...place, key, maxTokens, signal, answered: [], ...progress };
    this.#active.add(sequence);
    return sequence;
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

  /** Makes `follower`, which has computed less, share the first `shared` positions of `leader`. */
  share(follower: Sequence, leader: Sequence, shared: number): void {
    const { end } = follower.span;
    this.#spans.release(follower.span);
    follower.span = this.#spans.fork(leader.span, shared, end);
    this.#context.removePositions(follower.id, 0, -1);
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

  #lacksCells(cells: number): boolean {
    return cells > this.#nFree;
  }

  #findSource(key: PromptKey, limit: number): Source | undefined {
    if (!this.#options.keepsPrefixes || this.#isSpoilt) return undefined;
    let best: Source | undefined;
    const consider = (cached: PromptKey, { id, span }: KvPrefix | Sequence, prefix?: KvPrefix) => {
      const shared = Math.min(limit, key.common(cached));
      // Of equals the last used one: what all prompts begin with shall keep nothing else alive.
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
    const hasRoom = !this.#lacksCells(end - shared) && this.#freeIds.length > 0;
    const isTakenOver = prefix && (goesOn(source) || !hasRoom);
    const own = this.#spans.fork(span, shared, end);
    if (isTakenOver) {
      this.#prefixes.delete(prefix);
      this.#spans.release(prefix.span);
      this.#context.removePositions(id, shared, -1);
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
    this.#context.removePositions(holder.id, 0, -1);
    this.#freeIds.push(holder.id);
  }
}

/** Whether nothing of a prefix is lost when the chat takes it over. */
function goesOn(source: Source | undefined): boolean {
  return source?.prefix !== undefined && source.shared === source.prefix.key.length;
}
