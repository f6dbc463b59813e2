/**
 * The texts of an automaton that are so many characters long. Only where the bounds say something are characters
 * counted, in copies of every state; where that takes too many, longer texts than can be counted are left out.
 */
import { type Automaton, type AutomatonState, withoutDeadEnds } from './automaton.js';
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
  const { shortest, longest } = lengthsOf(automaton);
  if (shortest >= min && longest <= max) return automaton;
  if (shortest > max || longest < min) return [];
  // Where only the least counts, the states soon stop to be copied.
  if (longest <= max) return counted(automaton, min, Number.POSITIVE_INFINITY, min, maxStates);
  const countable = Math.floor(maxStates / automaton.length);
  const most = Math.min(max, countable);
  if (min > countable || most < Math.min(max, SHORTEST_LIMIT)) throw new TooManyStates();
  return counted(automaton, min, most, most, maxStates);
}

/** A limit below which leaving out longer texts would be felt. */
const SHORTEST_LIMIT = 40;

/** @param top the count beyond which nothing changes */
function counted(
  automaton: Automaton,
  min: number,
  max: number,
  top: number,
  maxStates: number,
): Automaton {
  const numbers = new Map<number, number>([[0, 0]]);
  const order = [0];
  const states: AutomatonState[] = [];
  // A place is a state and a count in one number.
  for (const place of order) {
    const state = Math.floor(place / (top + 1));
    const count = place % (top + 1);
    const { place: terms, rule, kind, moves } = automaton[state]!;
    const next = Math.min(count + 1, top);
    if (order.length > maxStates) throw new TooManyStates();
    const isFull = count === top && top === max;
    states.push({
      place: terms,
      rule,
      kind: count >= min ? kind : undefined,
      moves: (isFull ? [] : moves).map(({ set, target }) => {
        const behind = target * (top + 1) + next;
        let number = numbers.get(behind);
        if (number === undefined) {
          number = order.push(behind) - 1;
          numbers.set(behind, number);
        }
        return { set, target: number };
      }),
    });
  }
  return withoutDeadEnds(states);
}

/** The fewest and the most characters of an accepted text; the automaton is not empty. */
function lengthsOf(automaton: Automaton): { shortest: number; longest: number } {
  const distance = automaton.map(() => Number.POSITIVE_INFINITY);
  distance[0] = 0;
  const queue = [0];
  let shortest = Number.POSITIVE_INFINITY;
  for (const index of queue) {
    if (automaton[index]!.kind !== undefined) shortest = Math.min(shortest, distance[index]!);
    for (const { target } of automaton[index]!.moves) {
      if (distance[target] !== Number.POSITIVE_INFINITY) continue;
      distance[target] = distance[index]! + 1;
      queue.push(target);
    }
  }
  return { shortest, longest: longestPath(automaton) };
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
