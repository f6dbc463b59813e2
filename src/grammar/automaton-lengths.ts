/**
 * The texts of an automaton that are so many characters long. Only where the bounds say something are characters
 * counted, in copies of every state; where that takes too many, longer texts than can be counted are left out.
 */
import { type Automaton, type AutomatonState, toEnds, withoutDeadEnds } from './automaton.js';
import { TooManyStates } from './language.js';

export interface Lengths {
  readonly min: number;
  readonly max: number;
}

/** @throws TooManyStates */
export function ofLength(
  automaton: Automaton,
  { min, max }: Lengths,
  maxStates: number,
): Automaton {
  if (automaton.length === 0 || (min === 0 && max === Number.POSITIVE_INFINITY)) return automaton;
  const distances = toEnds(automaton);
  const shortest = distances[0]!;
  const longest = longestPath(automaton);
  if (shortest >= min && longest <= max) return automaton;
  if (shortest > max || longest < min) return [];
  // Where only the least counts, the states soon stop to be copied.
  if (longest <= max)
    return counted(automaton, distances, { min, max: Number.POSITIVE_INFINITY }, maxStates);
  const countable = Math.floor(maxStates / automaton.length);
  const most = Math.min(max, countable);
  if (min > countable || most < Math.min(max, SHORTEST_LIMIT)) throw new TooManyStates();
  return counted(automaton, distances, { min, max: most }, maxStates);
}

/** A limit below which leaving out longer texts would be felt. */
const SHORTEST_LIMIT = 40;

function counted(
  automaton: Automaton,
  distances: Int32Array,
  { min, max }: Lengths,
  maxStates: number,
): Automaton {
  // The count beyond which nothing changes.
  const top = max === Number.POSITIVE_INFINITY ? min : max;
  const numbers = new Map<number, number>([[0, 0]]);
  // A place is a state and a count in one number.
  const order = [0];
  const states: AutomatonState[] = [];
  for (let i = 0; i < order.length; i++) {
    if (i > maxStates) throw new TooManyStates();
    const count = order[i]! % (top + 1);
    const from = automaton[(order[i]! - count) / (top + 1)]!;
    const next = Math.min(count + 1, top);
    const state: AutomatonState = {
      ...from,
      kind: count >= min ? from.kind : undefined,
      moves: [],
    };
    states.push(state);
    for (let j = 0; j < from.moves.length; j++) {
      const { set, target } = from.moves[j]!;
      if (count + 1 + distances[target]! > max) continue;
      const behind = target * (top + 1) + next;
      let number = numbers.get(behind);
      if (number === undefined) {
        number = order.push(behind) - 1;
        numbers.set(behind, number);
      }
      state.moves.push({ set, target: number });
    }
  }
  return min === 0 ? states : withoutDeadEnds(states);
}

function longestPath(automaton: Automaton): number {
  const incoming = automaton.map(() => 0);
  for (const { moves } of automaton) for (const { target } of moves) incoming[target]!++;
  const longest = automaton.map(() => 0);
  const ready = incoming.flatMap((count, index) => (count === 0 ? [index] : []));
  let seen = 0;
  for (const index of ready) {
    seen++;
    for (const { target } of automaton[index]!.moves) {
      longest[target] = Math.max(longest[target]!, longest[index]! + 1);
      if (--incoming[target]! === 0) ready.push(target);
    }
  }
  // Who waits for ever is on a circle or behind one, and every state leads to an accepting one.
  return seen < automaton.length ? Number.POSITIVE_INFINITY : Math.max(...longest);
}
