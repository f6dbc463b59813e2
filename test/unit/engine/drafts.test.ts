import { describe, expect, it } from 'vitest';
import { Drafts } from '../../../src/engine/drafts.js';
import { PromptKey } from '../../../src/engine/prompt-key.js';

const END = 99;
const prompt = (...tokens: number[]) => new PromptKey([{ tokens: Int32Array.from(tokens) }]);
const range = (from: number, n: number) => Array.from({ length: n }, (_, i) => from + i);

function drafting(most: number, ...tokens: number[]): Drafts {
  const drafts = new Drafts({ most, ends: new Set([END]) });
  drafts.start(prompt(...tokens));
  return drafts;
}

/** Plays the model: it answers `script`, and takes of each draft what is right. */
function play(drafts: Drafts, script: readonly number[]) {
  const lengths: number[] = [];
  let at = 0;
  while (at < script.length) {
    const draft = drafts.propose(script.length - at - 1);
    let right = 0;
    while (right < draft.length && draft[right] === script[at + right]) right++;
    for (const token of script.slice(at, at + right + 1)) drafts.push(token);
    drafts.verified(draft.length, right);
    lengths.push(draft.length);
    at += right + 1;
  }
  return lengths;
}

describe('drafts', () => {
  it('quote the prompt, and grow while they are right', () => {
    const drafts = drafting(16, ...range(0, 80), 100);
    const lengths = play(drafts, range(0, 80));
    expect(lengths.slice(0, 7)).toEqual([0, 0, 4, 8, 16, 16, 16]);
    expect(lengths).toHaveLength(8);
    expect(drafts.drafted).toBe(drafts.accepted);
  });

  it('go over pictures and clips, whose rows are no tokens', () => {
    const drafts = new Drafts({ most: 8, ends: new Set() });
    const segment = (...tokens: number[]) => ({ tokens: Int32Array.from(tokens) });
    drafts.start(new PromptKey([segment(1, 2, 3), { media: 'a', rows: 900 }, segment(4, 1, 2)]));
    expect(drafts.propose(8)).toEqual([3]);
  });

  it('are no longer than asked for, than `most`, and than what they stand on', () => {
    const drafts = drafting(16, ...range(0, 80), 0, 1);
    expect(drafts.propose(2)).toEqual([2, 3]);
    expect(drafts.propose(16)).toEqual([2, 3, 4, 5]);
    expect(drafts.propose(0)).toEqual([]);
    expect(drafting(1, ...range(0, 80), 0, 1).propose(16)).toEqual([2]);
  });

  it('end before what ends an answer', () => {
    expect(drafting(8, 1, 2, 3, END, 4, 1, 2).propose(8)).toEqual([3]);
    expect(drafting(8, 1, 2, END, 3, 1, 2).propose(8)).toEqual([]);
  });

  it('shrink where they are wrong', () => {
    const drafts = drafting(16, ...range(0, 80), 100);
    play(drafts, range(0, 60));
    for (const token of range(60, 4)) drafts.push(token);
    drafts.verified(16, 3);
    expect(drafts.propose(16)).toHaveLength(4);
  });

  it('pause when they do not pay, longer each time, and come back', () => {
    const drafts = drafting(8);
    // Pairs come again, but never with what followed before.
    const script = range(0, 1500).flatMap((i) => [1, 2, 1000 + i]);
    const lengths = play(drafts, script);
    const pauses = lengths
      .map((n) => (n > 0 ? 'd' : '.'))
      .join('')
      .split(/d+(?:\.{1,4}d+)*/)
      .map(({ length }) => length)
      .filter((n) => n > 4);
    expect(pauses.length).toBeGreaterThan(3);
    expect(pauses.at(-2)!).toBeGreaterThan(200);
    expect(pauses.slice(0, -1)).toEqual(pauses.slice(0, -1).toSorted((a, b) => a - b));
    expect(drafts.drafted).toBeLessThan(script.length / 10);
    const quoted = range(5000, 60);
    const back = play(drafts, [...quoted, ...quoted, ...quoted, ...quoted, ...quoted, ...quoted]);
    expect(Math.max(...back)).toBe(8);
  });

  it('depend on the tokens alone', () => {
    const script = range(0, 400).map((i) => (i * i) % 17);
    expect(play(drafting(8), script)).toEqual(play(drafting(8), script));
  });
});
