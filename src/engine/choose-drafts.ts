/** Which answers guess on in a step, and how far: pure but for the cells, which have to be there. */
import type { Sequence } from './sequence.js';

export interface DraftLimits {
  /** Rows per step, and those of them that may be sampled. */
  nBatch: number;
  nOutputs: number;
  /** Makes room for that many positions behind the next one. @returns for how many there is some */
  reserve: (sequence: Sequence, positions: number) => number;
}

/** Answers share what the step has room for beside one row of every sequence; half of it is for prompts while some wait. */
export function chooseDrafts(
  sequences: readonly Sequence[],
  { nBatch, nOutputs, reserve }: DraftLimits,
): Map<Sequence, readonly number[]> {
  const drafts = new Map<Sequence, readonly number[]>();
  const isAnswer = ({ generation }: Sequence) => generation!.next !== undefined;
  const drafting = sequences.filter((one) => isAnswer(one) && one.generation!.drafts);
  const rows = nBatch - sequences.length;
  const isShared = !sequences.every(isAnswer);
  let left = Math.min(nOutputs - sequences.length, isShared ? rows >> 1 : rows);
  for (const [i, sequence] of drafting.entries()) {
    const { maxTokens = Number.POSITIVE_INFINITY, generation } = sequence;
    const share = Math.floor(left / (drafting.length - i));
    // The step brings one token in any case.
    const max = Math.min(share, maxTokens - generation!.nSampled - 1);
    const draft = generation!.drafts!.propose(max);
    const kept = draft.slice(0, draft.length && reserve(sequence, draft.length));
    if (kept.length === 0) continue;
    left -= kept.length;
    drafts.set(sequence, kept);
  }
  return drafts;
}
