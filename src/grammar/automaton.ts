/**
 * The deterministic automaton of a term: states without those that lead nowhere, moves by sets of characters.
 * Bounded: a term that needs more states than `maxStates` is refused, not approximated.
 */
import { type CodePoints, single } from './code-points.js';
import { type Term, TooManyStates } from './language.js';
import { type Moves, together } from './moves.js';
import type { WordNode } from './word-trees.js';

export interface AutomatonState {
  /** What kind of text ends here, if one may: kinds are those of `classify`, and 0 where there is only one. */
  kind: number | undefined;
  moves: { set: CodePoints; target: number }[];
}

/** State 0 is the first; no states at all is the empty language. */
export type Automaton = readonly AutomatonState[];

export function automatonOf(moves: Moves, term: Term, maxStates: number): Automaton {
  if (term.kind === 'words') return automatonOfWords(term.node, maxStates);
  return classify(moves, term, [], () => 0, maxStates);
}

function automatonOfWords(root: WordNode, maxStates: number): Automaton {
  const nodes = [root];
  const numbers = new Map([[root, 0]]);
  const states: AutomatonState[] = [];
  for (const { isWord, next } of nodes) {
    const moves: AutomatonState['moves'] = [];
    for (const [point, node] of next) {
      let target = numbers.get(node);
      if (target === undefined) {
        target = nodes.push(node) - 1;
        if (target >= maxStates) throw new TooManyStates();
        numbers.set(node, target);
      }
      moves.push({ set: single(point), target });
    }
    states.push({ kind: isWord ? 0 : undefined, moves });
  }
  return states;
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
  const { pool } = moves;
  const places = new Places(term, parts, maxStates);
  const states: AutomatonState[] = [];
  for (let index = 0; index < places.all.length; index++) {
    const place = places.all[index]!;
    const targets = new Map<number, [number, number][]>();
    eachStep(moves, places, index, (from, to, number) => {
      const set = targets.get(number);
      const last = set?.at(-1);
      if (!set) targets.set(number, [[from, to]]);
      else if (last![1] + 1 === from) last![1] = to;
      else set.push([from, to]);
    });
    const fits = place.map((each) => pool.isNullable(each, index === 0, true));
    states.push({
      kind: fits[0] ? kindOf(fits.slice(1)) : undefined,
      moves: Array.from(targets, ([target, set]) => ({ target, set })),
    });
  }
  return withoutDeadEnds(states);
}

/** What is left of the term, and of each of the parts, once some characters have been read. */
type Place = readonly Term[];

/** Only the first place stands at the start of the text: if its terms come back later it is another one. */
class Places {
  readonly all: Place[];
  private readonly numbers = new Map<Term | string, number>();

  constructor(
    term: Term,
    parts: readonly Term[],
    private readonly maxStates: number,
  ) {
    this.all = [[term, ...parts]];
  }

  numberOf(place: Place): number {
    const key = place.length === 1 ? place[0]! : place.map(({ id }) => id).join();
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.all.push(place) - 1;
      if (number >= this.maxStates) throw new TooManyStates();
      this.numbers.set(key, number);
    }
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
  const place = places.all[index]!;
  if (place.length === 1) {
    for (const { from, to, next } of moves.of(place[0]!, index === 0))
      see(from, to, places.numberOf([next]));
    return;
  }
  const open: number[] = [];
  place.forEach((term, i) => {
    if (term !== nothing && (term !== anything || i === 0)) open.push(i);
  });
  const lists = open.map((i) => moves.of(place[i]!, index === 0));
  const targets: number[] = [];
  together(lists, (from, to, next, number) => {
    moves.pool.charge(lists.length);
    if (!next[0]) return;
    if (targets[number] === undefined) {
      const after = place.slice();
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
  const sources: number[][] = states.map(() => []);
  const alive = new Set<number>();
  const todo: number[] = [];
  states.forEach(({ kind, moves }, index) => {
    for (const { target } of moves) sources[target]!.push(index);
    if (kind !== undefined) todo.push(index);
  });
  for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
    if (alive.has(index)) continue;
    alive.add(index);
    for (const source of sources[index]!) if (!alive.has(source)) todo.push(source);
  }
  if (alive.size === states.length) return states;
  if (!alive.has(0)) return [];
  const kept = states.flatMap((_, index) => (alive.has(index) ? [index] : []));
  const renumbered = new Map(kept.map((index, number) => [index, number]));
  return kept.map((index) => ({
    kind: states[index]!.kind,
    moves: states[index]!.moves.flatMap(({ set, target }) =>
      alive.has(target) ? [{ set, target: renumbered.get(target)! }] : [],
    ),
  }));
}
