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

/** What is followed: terms that all have to admit a text, and the parts that are none of them. */
export function followed({ term, parts }: Pick<Kinds, 'term' | 'parts'>): {
  needed: readonly Term[];
  others: readonly Term[];
} {
  const needed = term.kind === 'both' ? term.parts : [term];
  return { needed, others: parts.filter((part) => !needed.includes(part)) };
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
  // All of these have to admit a text.
  const { needed, others } = followed({ term, parts });
  const places = new Places([...needed, ...others], maxStates);
  const kinds = new Map<string, number | undefined>();
  const states: AutomatonState[] = [];
  const sets = new MoveSets();
  for (let index = 0; index < places.all.length; index++) {
    const place = places.all[index]!;
    const rule = index === 0 ? undefined : ruleOf(place);
    const state: AutomatonState = { place, rule, kind: undefined, moves: [] };
    states.push(state);
    if (rule !== undefined) continue;
    sets.start(index);
    eachStep(moves, places, index, needed.length, sets);
    state.moves = sets.all();
    const fits = (each: Term) => moves.pool.isNullable(each, index === 0, true);
    let isWhole = true;
    for (let i = 0; i < needed.length && isWhole; i++) isWhole = fits(place[i]!);
    if (!isWhole) continue;
    let key = '';
    for (let i = needed.length; i < place.length; i++) key += fits(place[i]!) ? '1' : '0';
    if (!kinds.has(key)) {
      const fitting = parts.map((part) => {
        const at = others.indexOf(part);
        return at < 0 || key[at] === '1';
      });
      kinds.set(key, kindOf(fitting));
    }
    state.kind = kinds.get(key);
  }
  return withoutDeadEnds(states);
}

/** What is left of each of the terms, once some characters have been read. */
export type Place = readonly Term[];

/** Only the first place stands at the start of the text: if its terms come back later it is another one. */
class Places {
  readonly all: Place[];
  private readonly later = new TermLists<Term>();

  constructor(
    first: Place,
    private readonly maxStates: number,
  ) {
    this.all = [first];
  }

  numberOf(place: Place): number {
    const number = this.later.numberOf(place) + 1;
    if (number < this.all.length) return number;
    if (number >= this.maxStates) throw new TooManyStates();
    return this.all.push(this.later.all[number - 1]!) - 1;
  }
}

/** Collects the moves of a state: one for each target. */
class MoveSets {
  private readonly moves: AutomatonState['moves'] = [];
  private count = 0;
  private state = -1;
  /** For each target the last state that leads to it, and which move of that does. */
  private readonly from: number[] = [];
  private readonly at: number[] = [];

  start(state: number): void {
    this.state = state;
    this.count = 0;
  }

  /** In a list of its own, which has no room to spare: there are many. */
  all(): AutomatonState['moves'] {
    return this.moves.slice(0, this.count);
  }

  /** Ranges come in order. */
  add(from: number, to: number, target: number): void {
    if (this.from[target] !== this.state) {
      this.from[target] = this.state;
      this.at[target] = this.count;
      this.moves[this.count++] = { set: from === to ? single(from) : [[from, to]], target };
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

/** Texts that one of the first `needed` terms does not admit are followed no further. */
function eachStep(
  moves: Moves,
  places: Places,
  index: number,
  needed: number,
  sets: MoveSets,
): void {
  const place = places.all[index]!;
  const open = openTerms(moves, place, needed);
  const after = place.slice();
  const lists = open.map((i) => moves.of(place[i]!, index === 0));
  if (lists.length === 1) {
    const steps = lists[0]!;
    for (let i = 0; i < steps.length; i++) {
      const { from, to, next } = steps[i]!;
      after[open[0]!] = next;
      sets.add(from, to, places.numberOf(after));
    }
    return;
  }
  const targets: number[] = [];
  together(lists, (from, to, next, number) => {
    moves.pool.charge(lists.length);
    for (let i = 0; i < open.length && open[i]! < needed; i++) if (!next[i]) return;
    if (targets[number] === undefined) {
      for (let i = 0; i < open.length; i++) after[open[i]!] = next[i] ?? moves.pool.nothing;
      targets[number] = places.numberOf(after);
    }
    sets.add(from, to, targets[number]);
  });
}

const ONLY: readonly number[] = [0];

/** Those of a place that tell characters apart, or else the first. */
function openTerms({ pool }: Moves, place: Place, needed: number): readonly number[] {
  if (place.length === 1) return ONLY;
  const open: number[] = [];
  for (let i = 0; i < place.length; i++) {
    if (i === needed && open.length === 0) open.push(0);
    if (place[i] !== pool.nothing && place[i] !== pool.anything) open.push(i);
  }
  return open.length > 0 ? open : [0];
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

export function withoutDeadEnds(states: readonly AutomatonState[]): Automaton {
  const distances = toEnds(states);
  if (!distances.includes(-1)) return states;
  if (distances[0] === -1) return [];
  const kept = states.flatMap((_, index) => (distances[index]! >= 0 ? [index] : []));
  const renumbered = new Map(kept.map((index, number) => [index, number]));
  return kept.map((index) => ({
    ...states[index]!,
    moves: states[index]!.moves.flatMap(({ set, target }) => {
      const number = renumbered.get(target);
      return number === undefined ? [] : [{ set, target: number }];
    }),
  }));
}

/** For each state the fewest characters to the end of a text, -1 where none ends. */
export function toEnds(states: Automaton): Int32Array {
  let all = 0;
  for (let index = 0; index < states.length; index++) all += states[index]!.moves.length;
  // The moves to each state, as a list from the last one back.
  const last = new Int32Array(states.length).fill(-1);
  const before = new Int32Array(all);
  const sources = new Int32Array(all);
  const distances = new Int32Array(states.length).fill(-1);
  const queue = new Int32Array(states.length);
  let waiting = 0;
  all = 0;
  for (let index = 0; index < states.length; index++) {
    const { kind, rule, moves } = states[index]!;
    for (let i = 0; i < moves.length; i++) {
      const { target } = moves[i]!;
      before[all] = last[target]!;
      sources[all] = index;
      last[target] = all++;
    }
    if (kind === undefined && rule === undefined) continue;
    distances[index] = 0;
    queue[waiting++] = index;
  }
  for (let i = 0; i < waiting; i++) {
    const next = distances[queue[i]!]! + 1;
    for (let move = last[queue[i]!]!; move >= 0; move = before[move]!) {
      const source = sources[move]!;
      if (distances[source] !== -1) continue;
      distances[source] = next;
      queue[waiting++] = source;
    }
  }
  return distances;
}
