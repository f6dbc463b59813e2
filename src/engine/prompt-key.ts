/**
 * What stands at each position of a sequence: token ids, and visual rows by the content they come from. Two sequences
 * whose keys begin alike have the same keys and values in the cache there. Keys of different scopes have nothing in common.
 * Immutable.
 */

import type { PromptSegment } from '../prompt/prompt-tokens.js';

export type KeySegment =
  | { tokens: Int32Array }
  /** The first `rows` visual rows of what `media` names: a picture's content and how it is processed. */
  | { media: string; rows: number };

export class PromptKey {
  static readonly EMPTY = new PromptKey([]);
  /** Positions. */
  readonly length: number;
  /** Never empty; token segments are never adjacent. */
  readonly segments: readonly KeySegment[];
  readonly scope: string | undefined;

  /** @param media by a prompt's media indices */
  static of(
    segments: readonly PromptSegment[],
    media: readonly { key: string; plan: { rows: number } }[],
    scope?: string,
  ): PromptKey {
    return new PromptKey(
      segments.map((segment) => {
        if ('tokens' in segment) return segment;
        const { key, plan } = media[segment.media]!;
        return { media: key, rows: plan.rows };
      }),
      scope,
    );
  }

  constructor(segments: readonly KeySegment[], scope?: string) {
    this.segments = segments;
    this.scope = scope;
    this.length = segments.reduce((sum, segment) => sum + lengthOf(segment), 0);
  }

  /** Positions from the start that both have in common. */
  common(other: PromptKey): number {
    if (this.scope !== other.scope) return 0;
    let length = 0;
    for (const [i, segment] of this.segments.entries()) {
      const peer = other.segments[i];
      if (!peer) break;
      const same = commonRows(segment, peer);
      length += same;
      if (same < lengthOf(segment) || same < lengthOf(peer)) break;
    }
    return length;
  }

  /** The first `length` positions, then `tokens`. */
  replaced(length: number, tokens: readonly number[]): PromptKey {
    const segments: KeySegment[] = [];
    let left = length;
    for (const segment of this.segments) {
      if (left === 0) break;
      const rows = Math.min(left, lengthOf(segment));
      segments.push(
        'tokens' in segment
          ? { tokens: segment.tokens.subarray(0, rows) }
          : { media: segment.media, rows },
      );
      left -= rows;
    }
    if (tokens.length === 0) return new PromptKey(segments, this.scope);
    const last = segments.at(-1);
    const before = last && 'tokens' in last ? last.tokens : [];
    if (before.length > 0) segments.pop();
    segments.push({ tokens: Int32Array.of(...before, ...tokens) });
    return new PromptKey(segments, this.scope);
  }
}

function lengthOf(segment: KeySegment): number {
  return 'tokens' in segment ? segment.tokens.length : segment.rows;
}

function commonRows(a: KeySegment, b: KeySegment): number {
  if ('media' in a && 'media' in b) return a.media === b.media ? Math.min(a.rows, b.rows) : 0;
  if ('media' in a || 'media' in b) return 0;
  const end = Math.min(a.tokens.length, b.tokens.length);
  let i = 0;
  while (i < end && a.tokens[i] === b.tokens[i]) i++;
  return i;
}
