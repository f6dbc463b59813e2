/** What a step has brought one sequence: rows of its prompt that are read, or tokens of its answer. */
import type { NativeContext, NativeSample } from '../binding.js';
import type { KvCache } from './kv-cache.js';
import type { GenerateEnd, Sequence } from './sequence.js';
import type { Slice } from './slices.js';

export interface StepResult {
  sample: NativeSample | null;
  context: Pick<NativeContext, 'removePositions'>;
  cache: Pick<KvCache, 'grow'>;
}

/** Whether the token that comes next is likely to have a successor, which alone is the step behind it. */
export function goesOn({ generation, maxTokens, signal }: Sequence): boolean {
  const { drafts, nSampled } = generation!;
  return !drafts && !signal.aborted && nSampled + 1 !== maxTokens;
}

/** @returns how the answer has ended, if it has @throws what the callbacks of the generation throw */
export function advance(
  sequence: Sequence,
  { rows, drafted }: Slice,
  { sample, context, cache }: StepResult,
): GenerateEnd | undefined {
  const generation = sequence.generation!;
  if (generation.next !== undefined) return goOnBy(sequence, drafted, { sample, context, cache });
  sequence.nPast += rows;
  generation.onPrefill?.(sequence.nPast, generation.prompt.length);
  if (!sample) return undefined;
  generation.prompt.free();
  generation.drafts?.start(sequence.key);
  return take(sequence, sample, cache);
}

/** By a token, and those of the draft that were right; what comes after the end of the answer is taken back. */
function goOnBy(
  sequence: Sequence,
  drafted: number,
  { sample, context, cache }: StepResult,
): GenerateEnd | undefined {
  const generation = sequence.generation!;
  const samples = [sample!, ...(sample!.further ?? [])];
  const start = sequence.nPast;
  let end: GenerateEnd | undefined;
  try {
    for (const each of samples) {
      sequence.nPast++;
      sequence.answered.push(generation.next!);
      end = take(sequence, each, cache);
      if (end) break;
    }
  } finally {
    const nTaken = sequence.nPast - start;
    generation.drafts?.verified(drafted, nTaken - 1);
    if (nTaken < samples.length) context.removePositions(sequence.id, sequence.nPast);
  }
  return end;
}

function take(
  sequence: Sequence,
  sample: NativeSample,
  cache: StepResult['cache'],
): GenerateEnd | undefined {
  const generation = sequence.generation!;
  generation.next = sample.token;
  generation.nSampled++;
  generation.drafts?.push(sample.token);
  const isLast = generation.nSampled === sequence.maxTokens || !cache.grow(sequence);
  const goesOn = generation.onSample(sample, isLast);
  if (!goesOn) return 'stop';
  return isLast ? 'length' : undefined;
}
