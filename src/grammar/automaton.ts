/**
 * The deterministic automaton of a term: states without those that lead nowhere, moves by sets of characters.
 * Bounded: a term that needs more states than `maxStates` is refused, not approximated.
 */
import { type CodePoints, single } from './code-points.js';
import { type Term, TooManyStates } from './language.js';
import { type Moves, together } from './moves.js';
import { TermLists } from './term-lists.js';

export interface AutomatonState {
  readonly place: Place;
  /** The rule that `ruleOf` knows for its place: such a state has no moves. */
  readonly rule: number | undefined;
  /** What kind of text ends here, if one may: kinds are those of `classify`, and 0 where there is only one. */
  kind: number | undefined;
  moves: { set: CodePoints; target: number }[];
}

/** State 0 is the first; no states at all is the empty language. */
export type Automaton = readonly AutomatonState[];

/** Texts of `term` by which of `parts` admit them. */
export interface Kinds {
  readonly term: Term;
  readonly parts: readonly Term[];
  /** A number for what the parts say; undefined is a text that is left out. */
  kindOf(fits: readonly boolean[]): number | undefined;
}

export function automatonOf(moves: Moves, term: Term, maxStates: number): Automaton {
  return classify(moves, { term, parts: [], kindOf: () => 0 }, maxStates);
}

/**
 * All terms are followed at once, so that no product of theirs is made for each kind.
 * @param ruleOf what is written already of a place behind the first: that is followed no further.
 */
export function classify(
  moves: Moves,
  { term, parts, kindOf }: Kinds,
  maxStates: number,
  ruleOf: (place: Place) => number | undefined = () => undefined,
): Automaton {
  const places = new Places(term, parts, maxStates);
  const kinds = new Map<string, number | undefined>();
  const states: AutomatonState[] = [];
  const sets = new MoveSets();
  for (let index = 0; index < places.all.length; index++) {
    const place = places.all[index]!;
    const rule = index === 0 ? undefined : ruleOf(place);
    const state: AutomatonState = { place, rule, kind: undefined, moves: [] };
    states.push(state);
    if (rule !== undefined) continue;
    sets.start(index, state.moves);
    if (parts.length === 0) eachStep(moves, places, index, sets);
    else eachStepOfAll(moves, places, index, sets);
    if (!moves.pool.isNullable(place[0]!, index === 0, true)) continue;
    const fits = place.map((each) => moves.pool.isNullable(each, index === 0, true));
    const key = fits.join();
    if (!kinds.has(key)) kinds.set(key, kindOf(fits.slice(1)));
    state.kind = kinds.get(key);
  }
  return withoutDeadEnds(states);
}

/** What is left of the term, and of each of the parts, once some characters have been read. */
export type Place = readonly Term[];

/** Only the first place stands at the start of the text: if its terms come back later it is another one. */
class Places {
  readonly all: Place[];
  private readonly lists = new TermLists<Term>();
  /** Where there are no parts. */
  private readonly terms = new Map<Term, number>();

  constructor(
    term: Term,
    parts: readonly Term[],
    private readonly maxStates: number,
  ) {
    this.all = [[term, ...parts]];
  }

  numberOf(place: Place): number {
    const number = this.lists.numberOf(place) + 1;
    if (number === this.all.length) this.add(this.lists.all[number - 1]!);
    return number;
  }

  numberOfTerm(term: Term): number {
    let number = this.terms.get(term);
    if (number === undefined) {
      number = this.add([term]);
      this.terms.set(term, number);
    }
    return number;
  }

  private add(place: Place): number {
    if (this.all.length >= this.maxStates) throw new TooManyStates();
    return this.all.push(place) - 1;
  }
}

/** Collects the moves of a state: one for each target. */
class MoveSets {
  private moves: AutomatonState['moves'] = [];
  private state = -1;
  /** For each target the last state that leads to it, and which move of that does. */
  private readonly from: number[] = [];
  private readonly at: number[] = [];

  start(state: number, moves: AutomatonState['moves']): void {
    this.state = state;
    this.moves = moves;
  }

  /** Ranges come in order. */
  add(from: number, to: number, target: number): void {
    if (this.from[target] !== this.state) {
      this.from[target] = this.state;
      this.at[target] = this.moves.length;
      this.moves.push({ set: from === to ? single(from) : [[from, to]], target });
      return;
    }
    const move = this.moves[this.at[target]!]!;
    // Sets of one range may be shared, longer ones are of here.
    const set = move.set as [number, number][];
    const last = set[set.length - 1]!;
    const isNext = last[1] + 1 === from;
    if (set.length === 1) move.set = isNext ? [[last[0], to]] : [last, [from, to]];
    else if (isNext) last[1] = to;
    else set.push([from, to]);
  }
}

function eachStep(moves: Moves, places: Places, index: number, sets: MoveSets): void {
  const steps = moves.of(places.all[index]![0]!, index === 0);
  for (let i = 0; i < steps.length; i++) {
    const { from, to, next } = steps[i]!;
    sets.add(from, to, places.numberOfTerm(next));
  }
}

/** Texts that the term does not admit are followed no further. */
function eachStepOfAll(moves: Moves, places: Places, index: number, sets: MoveSets): void {
  const { nothing, anything } = moves.pool;
  const place = places.all[index]!;
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
    sets.add(from, to, targets[number]);
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
    const { kind, rule, moves } = states[index]!;
    for (let i = 0; i < moves.length; i++) {
      const { target } = moves[i]!;
      before.push(last[target]!);
      last[target] = sources.push(index) - 1;
    }
    if (kind !== undefined || rule !== undefined) todo.push(index);
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
    ...states[index]!,
    moves: states[index]!.moves.flatMap(({ set, target }) =>
      alive[target] ? [{ set, target: renumbered.get(target)! }] : [],
    ),
  }));
}
