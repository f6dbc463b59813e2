/** One chat's place in the KV cache, from admission to release. Plain state; scheduler.ts and kv-cache.ts decide what
 *  happens to it. */
import type { NativeSample, NativeSampler } from '../binding.js';
import type { Span } from './cell-spans.js';
import type { Drafts } from './drafts.js';
import type { ParkedPrefix } from './parked-prefixes.js';
import type { PromptKey } from './prompt-key.js';
import type { PromptRows } from './prompt-rows.js';

export interface PlaceRequest {
  /** What is at the positions of the prompt, or its beginning, to be looked for in the cache. */
  key: PromptKey;
  /** Positions of the prompt. */
  rows: number;
  maxTokens: number | undefined;
  /** Positions to set aside for the answer, where not all of `maxTokens`. */
  reserved?: number | undefined;
  signal: AbortSignal;
}

/** What a sequence generates with, and where its tokens go. */
export interface GenerateRequest {
  /** Its rows from `nPast` on at the latest. Freed by the scheduler once it is in the cache. */
  prompt: PromptRows;
  sampler: NativeSampler;
  /** Takes each token as it is sampled; `isLast` when no further one will come. Returns false to end the answer.
   *  What it throws fails this sequence alone. */
  onSample: (sample: NativeSample, isLast: boolean) => boolean;
  /** Guesses how the answer goes on; without it nothing is guessed. */
  drafts?: Drafts | undefined;
  onPrefill?: (done: number, total: number) => void;
}

/** 'length': maxTokens came, or the context is used up. */
export type GenerateEnd = 'stop' | 'length';

export interface Generation extends GenerateRequest {
  resolve: (end: GenerateEnd) => void;
  reject: (reason: unknown) => void;
  /** The last sampled token, not decoded yet; undefined during prefill. */
  next: number | undefined;
  nSampled: number;
}

export interface Sequence {
  readonly id: number;
  /** The prompt's key. */
  key: PromptKey;
  /** Undefined: until the model stops or the context ends. */
  readonly maxTokens: number | undefined;
  /** Positions that were set aside for the answer. */
  readonly reserved: number | undefined;
  readonly signal: AbortSignal;
  /** Positions in the cache. */
  nPast: number;
  /** Those of them that were not computed for this chat. */
  nCached: number;
  /** Tokens of the answer that are in the cache, after the prompt. */
  readonly answered: number[];
  /** Its own part of the positions, up to those that are set aside. */
  span: Span;
  /** The prefix that is copied into its cells before it starts. */
  parked: ParkedPrefix | undefined;
  generation: Generation | null;
}

/** What is in the cache. */
export function cachedKey({ key, nPast, answered }: Sequence): PromptKey {
  return key.replaced(Math.min(nPast, key.length), answered);
}
