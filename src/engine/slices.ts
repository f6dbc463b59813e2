/** Chooses the rows of one step: pure, so that fairness can be read and tested in one place. */
import type { NativeSlice } from '../binding.js';
import type { Sequence } from './sequence.js';

export interface StepLimits {
  /** Rows per step. */
  nBatch: number;
  /** Rows of prompts in a step that also has answers under way: bounds how long an answer waits for its next token. */
  nPrefill: number;
}

export interface Slice {
  native: NativeSlice;
  rows: number;
  /** Tokens of it that are guesses. */
  drafted: number;
}

/**
 * Every answer under way gets its next token; prompts share what is left evenly, each up to the end of its current
 * run of tokens or visual rows. Over several steps the remainder goes round with `turn`.
 * @param sequences generating, no more than nBatch; those left out wait for the next step
 * @param drafts what answers guess to come behind that token
 */
export function chooseSlices(
  sequences: readonly Sequence[],
  limits: StepLimits,
  turn: number,
  drafts: ReadonlyMap<Sequence, readonly number[]>,
): Map<Sequence, Slice> {
  const slices = new Map<Sequence, Slice>();
  let free = limits.nBatch;
  for (const sequence of sequences) {
    if (sequence.generation!.next === undefined) continue;
    const slice = answerSlice(sequence, drafts.get(sequence) ?? []);
    slices.set(sequence, slice);
    free -= slice.rows;
  }
  let left = slices.size === 0 ? free : Math.min(free, limits.nPrefill);
  const waiting = sequences.filter(({ generation }) => generation!.next === undefined);
  for (let i = 0; i < waiting.length && left > 0; i++) {
    const sequence = waiting[(turn + i) % waiting.length]!;
    const slice = promptSlice(sequence, Math.ceil(left / (waiting.length - i)));
    slices.set(sequence, slice);
    left -= slice.rows;
  }
  return slices;
}

function answerSlice({ id, nPast, generation }: Sequence, draft: readonly number[]): Slice {
  const { next, sampler } = generation!;
  const data = Int32Array.of(next!, ...draft);
  const drafted = draft.length;
  const native = { sequence: id, position: nPast, data, sampler };
  return { native: drafted > 0 ? { ...native, drafted } : native, rows: data.length, drafted };
}

function promptSlice({ id, nPast, generation }: Sequence, max: number): Slice {
  const { prompt, sampler } = generation!;
  const { data, rows } = prompt.slice(nPast, max);
  const isEnd = nPast + rows === prompt.length;
  const native = { sequence: id, position: nPast, data, sampler: isEnd ? sampler : null };
  return { native, rows, drafted: 0 };
}
