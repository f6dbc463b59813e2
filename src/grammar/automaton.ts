/**
 * The deterministic automaton of a term: states without those that lead nowhere, moves by sets of characters.
 * Bounded: a term that needs more states than `maxStates` is refused, not approximated.
 */
import type { CodePoints } from './code-points.js';
import { type Term, TooManyStates } from './language.js';
import { type Moves, together } from './moves.js';
import { TermLists } from './term-lists.js';

export interface AutomatonState {
  /** What kind of text ends here, if one may: kinds are those of `classify`, and 0 where there is only one. */
  kind: number | undefined;
  moves: { set: CodePoints; target: number }[];
}

/** State 0 is the first; no states at all is the empty language. */
export type Automaton = readonly AutomatonState[];

export function automatonOf(moves: Moves, term: Term, maxStates: number): Automaton {
  return classify(moves, term, [], () => 0, maxStates);
}

/**
 * The automaton of `term` that also tells which of `parts` admit a text: all are followed at once, so that no product
 * of theirs is made for each kind. `kindOf` numbers what they say; undefined is a text that is left out.
 */
export function classify(
  moves: Moves,
  term: Term,
  parts: readonly Term[],
  kindOf: (fits: readonly boolean[]) => number | undefined,
  maxStates: number,
): Automaton {
  const places = new Places(term, parts, maxStates);
  const kinds = new Map<string, number | undefined>();
  const states: AutomatonState[] = [];
  for (let index = 0; index < places.count; index++) {
    const state: AutomatonState = { kind: undefined, moves: [] };
    states.push(state);
    const sets = new Map<number, [number, number][]>();
    eachStep(moves, places, index, (from, to, target) => {
      const set = sets.get(target);
      if (!set) {
        const first: [number, number][] = [[from, to]];
        sets.set(target, first);
        state.moves.push({ set: first, target });
        return;
      }
      const last = set[set.length - 1]!;
      if (last[1] + 1 === from) last[1] = to;
      else set.push([from, to]);
    });
    const fits = places.at(index).map((each) => moves.pool.isNullable(each, index === 0, true));
    if (!fits[0]) continue;
    const key = fits.join();
    if (!kinds.has(key)) kinds.set(key, kindOf(fits.slice(1)));
    state.kind = kinds.get(key);
  }
  return withoutDeadEnds(states);
}

/** What is left of the term, and of each of the parts, once some characters have been read. */
type Place = readonly Term[];

/** Only the first place stands at the start of the text: if its terms come back later it is another one. */
class Places {
  private readonly first: Place;
  private readonly later = new TermLists<Term>();

  constructor(
    term: Term,
    parts: readonly Term[],
    private readonly maxStates: number,
  ) {
    this.first = [term, ...parts];
  }

  get count(): number {
    return this.later.all.length + 1;
  }

  at(index: number): Place {
    return index === 0 ? this.first : this.later.all[index - 1]!;
  }

  numberOf(place: Place): number {
    const number = this.later.numberOf(place) + 1;
    if (number >= this.maxStates) throw new TooManyStates();
    return number;
  }
}

/** Steps of a place, in order; texts that the term does not admit are followed no further. */
function eachStep(
  moves: Moves,
  places: Places,
  index: number,
  see: (from: number, to: number, target: number) => void,
): void {
  const { nothing, anything } = moves.pool;
  const place = places.at(index);
  if (place.length === 1) {
    const steps = moves.of(place[0]!, index === 0);
    for (let i = 0; i < steps.length; i++)
      see(steps[i]!.from, steps[i]!.to, places.numberOf([steps[i]!.next]));
    return;
  }
  const open: number[] = [];
  for (let i = 0; i < place.length; i++)
    if (place[i] !== nothing && (place[i] !== anything || i === 0)) open.push(i);
  const lists = open.map((i) => moves.of(place[i]!, index === 0));
  const targets: number[] = [];
  const after = place.slice();
  together(lists, (from, to, next, number) => {
    moves.pool.charge(lists.length);
    if (!next[0]) return;
    if (targets[number] === undefined) {
      for (let i = 0; i < open.length; i++) after[open[i]!] = next[i] ?? nothing;
      targets[number] = places.numberOf(after);
    }
    see(from, to, targets[number]);
  });
}

/** Whether the term admits no text at all: of one that does, only a way to it is followed. @throws TooManyStates */
export function isEmptyLanguage(moves: Moves, term: Term, maxStates: number): boolean {
  const seen = new Set<Term>();
  const todo = [term];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const atStart = seen.size === 0;
    if (moves.pool.isNullable(next, atStart, true)) return false;
    seen.add(next);
    for (const { next: following } of moves.of(next, atStart)) {
      if (seen.has(following)) continue;
      if (seen.size + todo.length >= maxStates) throw new TooManyStates();
      todo.push(following);
    }
  }
  return true;
}

export function withoutDeadEnds(states: AutomatonState[]): Automaton {
  // The moves to each state, as a list from the last one back.
  const last = new Int32Array(states.length).fill(-1);
  const before: number[] = [];
  const sources: number[] = [];
  const todo: number[] = [];
  for (let index = 0; index < states.length; index++) {
    const { kind, moves } = states[index]!;
    for (let i = 0; i < moves.length; i++) {
      const { target } = moves[i]!;
      before.push(last[target]!);
      last[target] = sources.push(index) - 1;
    }
    if (kind !== undefined) todo.push(index);
  }
  const alive = new Uint8Array(states.length);
  let count = 0;
  for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
    if (alive[index]) continue;
    alive[index] = 1;
    count++;
    for (let move = last[index]!; move >= 0; move = before[move]!)
      if (!alive[sources[move]!]) todo.push(sources[move]!);
  }
  if (count === states.length) return states;
  if (!alive[0]) return [];
  const kept = states.flatMap((_, index) => (alive[index] ? [index] : []));
  const renumbered = new Map(kept.map((index, number) => [index, number]));
  return kept.map((index) => ({
    kind: states[index]!.kind,
    moves: states[index]!.moves.flatMap(({ set, target }) =>
      alive[target] ? [{ set, target: renumbered.get(target)! }] : [],
    ),
  }));
}
