/** Prompts that begin alike are computed once: the one that is ahead leads, the others wait and then share its cells. */
import type { Sequence } from './sequence.js';

/** Fewer positions are computed sooner than waited for. */
const WORTH_WAITING = 64;

export interface Leader {
  leader: Sequence;
  /** Positions to share, once the leader has them. */
  shared: number;
}

/** @param generating in order of start. Leaders are ahead or started before, so nobody waits in a circle. */
export function findLeader(
  follower: Sequence,
  generating: readonly Sequence[],
): Leader | undefined {
  if (follower.generation!.next !== undefined) return undefined;
  let best: Leader | undefined;
  let isBefore = true;
  for (const leader of generating) {
    if (leader === follower) {
      isBefore = false;
      continue;
    }
    const isAhead = isBefore ? leader.nPast >= follower.nPast : leader.nPast > follower.nPast;
    if (!isAhead) continue;
    const shared = Math.min(follower.key.length - 1, follower.key.common(leader.key));
    if (shared > (best?.shared ?? 0)) best = { leader, shared };
  }
  return best && best.shared - follower.nPast >= WORTH_WAITING ? best : undefined;
}
