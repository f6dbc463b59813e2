/** Branches of a conversation: its turns, in any order, to the line that is shown. Turns that are not reached are ignored. */
import type { Id, Turn } from './types.js';

/** Root … leaf; nothing for a leaf that is not there. */
export function branch(turns: readonly Turn[], leaf: Id | null): Turn[] {
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  const line: Turn[] = [];
  for (let at = leaf; at !== null; ) {
    const turn = byId.get(at);
    if (!turn) break;
    line.push(turn);
    // So that parents in a circle end.
    byId.delete(at);
    at = turn.parent;
  }
  return line.reverse();
}

/** Those with the same parent, by age, itself among them. */
export function siblings(turns: readonly Turn[], turn: Turn): Turn[] {
  return turns.filter(({ parent }) => parent === turn.parent).sort(byAge);
}

/** Where a switch to the branch of `from` ends: the leaf below it that was written last. */
export function newestLeaf(turns: readonly Turn[], from: Id): Id {
  const below = new Map<Id | null, Turn[]>();
  for (const turn of turns) {
    const children = below.get(turn.parent);
    if (children) children.push(turn);
    else below.set(turn.parent, [turn]);
  }
  const start = turns.find(({ id }) => id === from);
  const open = start ? [start] : [];
  const seen = new Set<Id>();
  let newest: Turn | undefined;
  for (let turn = open.pop(); turn; turn = open.pop()) {
    if (seen.has(turn.id)) continue;
    seen.add(turn.id);
    const children = below.get(turn.id);
    if (children) open.push(...children);
    else if (!newest || byAge(newest, turn) < 0) newest = turn;
  }
  return newest?.id ?? from;
}

function byAge(a: Turn, b: Turn): number {
  return a.created - b.created;
}
