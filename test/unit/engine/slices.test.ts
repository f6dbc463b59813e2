import { describe, expect, it } from 'vitest';
import type { NativeSampler } from '../../../src/binding.js';
import { CellSpans } from '../../../src/engine/cell-spans.js';
import { PromptKey } from '../../../src/engine/prompt-key.js';
import { PromptRows } from '../../../src/engine/prompt-rows.js';
import type { Generation, Sequence } from '../../../src/engine/sequence.js';
import { chooseSlices } from '../../../src/engine/slices.js';

const sampler = {} as NativeSampler;

/** A sequence with `nPast` positions of a prompt done; `next` when its answer is under way. */
function sequence(id: number, prompt: PromptRows, nPast: number, next?: number): Sequence {
  const generation = { prompt, sampler, next } as Generation;
  const { signal } = new AbortController();
  const place = { id, key: PromptKey.EMPTY, span: new CellSpans().open(0), answered: [] };
  const none = { maxTokens: undefined, reserved: undefined, parked: undefined };
  return { ...place, ...none, signal, nPast, nCached: 0, generation };
}

const text = (n: number) => new PromptRows([new Int32Array(n)], 2);

function choose(sequences: Sequence[], limits = { nBatch: 100, nPrefill: 30 }, turn = 0) {
  const slices = [...chooseSlices(sequences, limits, turn, new Map()).values()];
  return slices.map(({ native, rows }) => [native.sequence, native.position, rows]);
}

it('gives every answer its token and prompts the rest, bounded', () => {
  const sequences = [sequence(0, text(1000), 40), sequence(1, text(5), 9, 7)];
  expect(choose(sequences)).toEqual([
    [1, 9, 1],
    [0, 40, 30],
  ]);
});

it('gives prompts the whole step when no answer is under way', () => {
  expect(choose([sequence(0, text(1000), 40)])).toEqual([[0, 40, 100]]);
});

it('never exceeds nBatch, answers first', () => {
  const answers = Array.from({ length: 8 }, (_, id) => sequence(id, text(1), 5, 1));
  const sequences = [sequence(8, text(1000), 0), ...answers];
  const rows = choose(sequences, { nBatch: 8, nPrefill: 30 });
  expect(rows).toHaveLength(8);
  expect(rows.every(([id]) => id !== 8)).toBe(true);
});

it('shares evenly between prompts; what one does not need, the next ones get', () => {
  const sequences = [
    sequence(0, text(1000), 0),
    sequence(1, text(10), 0),
    sequence(2, text(50), 0),
  ];
  expect(choose(sequences)).toEqual([
    [0, 0, 34],
    [1, 0, 10],
    [2, 0, 50],
  ]);
});

it('begins with another prompt each turn, so that all come forward when rows are few', () => {
  const sequences = [0, 1, 2].map((id) => sequence(id, text(100), 0));
  const limits = { nBatch: 2, nPrefill: 2 };
  const served = [0, 1, 2].flatMap((turn) => choose(sequences, limits, turn).map(([id]) => id));
  expect(served.sort()).toEqual([0, 0, 1, 1, 2, 2]);
});

describe('the runs of a prompt', () => {
  const rows = Float32Array.from({ length: 12 }, (_, i) => i);
  const prompt = new PromptRows([Int32Array.of(1, 2, 3), rows, Int32Array.of(4, 5)], 2);

  it('counts ids and rows', () => {
    expect(prompt.length).toBe(3 + 6 + 2);
  });

  it.each([
    [0, 100, Int32Array.of(1, 2, 3)],
    [1, 1, Int32Array.of(2)],
    [3, 100, rows],
    [5, 2, Float32Array.of(4, 5, 6, 7)],
    [9, 100, Int32Array.of(4, 5)],
    [10, 100, Int32Array.of(5)],
  ])('from %i, up to %i', (position, max, data) => {
    expect(prompt.slice(position, max).data).toEqual(data);
  });

  it('may leave out what is in the cache', () => {
    const rest = new PromptRows([rows, Int32Array.of(4, 5)], 2, 3);
    expect(rest.length).toBe(prompt.length);
    for (const position of [3, 5, 9])
      expect(rest.slice(position, 2)).toEqual(prompt.slice(position, 2));
  });

  it('samples after the last position only', () => {
    const at = (nPast: number) => {
      const slices = chooseSlices(
        [sequence(0, prompt, nPast)],
        { nBatch: 9, nPrefill: 9 },
        0,
        new Map(),
      );
      return [...slices.values()][0]!.native.sampler;
    };
    expect([at(0), at(3), at(9), at(10)]).toEqual([null, null, sampler, sampler]);
  });
});
