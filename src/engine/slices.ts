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
}

/**
 * Every answer under way gets its next token; prompts share what is left evenly, each up to the end of its current
 * run of tokens or visual rows. Over several steps the remainder goes round with `turn`.
 * @param sequences generating, no more than nBatch; those left out wait for the next step
 */
export function chooseSlices(
  sequences: readonly Sequence[],
  limits: StepLimits,
  turn: number,
): Map<Sequence, Slice> {
  const slices = new Map<Sequence, Slice>();
  for (const sequence of sequences) {
    const { next, sampler } = sequence.generation!;
    if (next === undefined) continue;
    const place = { sequence: sequence.id, position: sequence.nPast };
    slices.set(sequence, { native: { ...place, data: Int32Array.of(next), sampler }, rows: 1 });
  }
  const free = limits.nBatch - slices.size;
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

function promptSlice({ id, nPast, generation }: Sequence, max: number): Slice {
  const { prompt, sampler } = generation!;
  const { data, rows } = prompt.slice(nPast, max);
  const isEnd = nPast + rows === prompt.length;
  const native = { sequence: id, position: nPast, data, sampler: isEnd ? sampler : null };
  return { native, rows };
}
