/**
 * The texts of an automaton that are so many characters long. Only where the bounds say something are characters
 * counted, in copies of every state; where that takes too many, longer texts than can be counted are left out.
 */
import { type Automaton, type AutomatonState, toEnds, withoutDeadEnds } from './automaton.js';
import { withinRoom } from './automaton-rooms.js';
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
  const least = shortest >= min ? 0 : min;
  // Where only the least counts, the states soon stop to be copied.
  if (longest <= max)
    return counted(automaton, distances, { min: least, max: Number.POSITIVE_INFINITY }, maxStates);
  if (least <= 1) {
    const long = { min: least, max: Number.POSITIVE_INFINITY };
    const all = least === 0 ? automaton : counted(automaton, distances, long, maxStates);
    const within = withinRoom(all, max, { maxFound: MAX_FOUND, maxStates });
    if (within.most < Math.min(max, SHORTEST_LIMIT)) throw new TooManyStates();
    return within.automaton;
  }
  const countable = Math.floor(maxStates / automaton.length);
  const most = Math.min(max, countable);
  if (min > countable || most < Math.min(max, SHORTEST_LIMIT)) throw new TooManyStates();
  return counted(automaton, distances, { min: least, max: most }, maxStates);
}

/** A limit below which leaving out longer texts would be felt. */
const SHORTEST_LIMIT = 40;
/** Places that are looked at for the few that are needed. */
const MAX_FOUND = 4_000;

function counted(
  automaton: Automaton,
  distances: Int32Array,
  { min, max }: Lengths,
  maxStates: number,
): Automaton {
  const states: AutomatonState[] = [];
  const kept: AutomatonState['moves'] = [];
  // The states with one count, and the numbers that they have; then those with one more.
  let here = [0];
  let numbers = new Int32Array(automaton.length).fill(-1);
  let later = new Int32Array(automaton.length);
  numbers[0] = 0;
  let all = 1;
  for (let count = 0; here.length > 0; count++) {
    // Beyond the least nothing changes.
    const isLast = max === Number.POSITIVE_INFINITY && count === min;
    const behind = isLast ? here : [];
    const after = isLast ? numbers : later.fill(-1);
    for (let i = 0; i < here.length; i++) {
      const { place, rule, kind, moves } = automaton[here[i]!]!;
      let fitting = 0;
      for (let j = 0; j < moves.length; j++) {
        const { set, target } = moves[j]!;
        if (count + 1 + distances[target]! > max) continue;
        if (after[target]! < 0) {
          after[target] = all++;
          behind.push(target);
        }
        kept[fitting++] = { set, target: after[target]! };
      }
      states.push({
        place,
        rule,
        kind: count >= min ? kind : undefined,
        moves: kept.slice(0, fitting),
      });
      if (states.length > maxStates) throw new TooManyStates();
    }
    if (isLast) break;
    here = behind;
    [numbers, later] = [after, numbers];
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
