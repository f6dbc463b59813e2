/**
 * The deterministic automaton of a term: states without those that lead nowhere, moves by sets of characters.
 * Bounded: a term that needs more states than `maxStates` is refused, not approximated.
 */
import { type CodePoints, complement, partition, single, union } from './code-points.js';
import type { Term, TermPool } from './language.js';

export interface AutomatonState {
  isAccepting: boolean;
  moves: { set: CodePoints; target: number }[];
}

/** State 0 is the first; no states at all is the empty language. */
export type Automaton = readonly AutomatonState[];

export class TooManyStates extends Error {}

export function automatonOf(pool: TermPool, term: Term, maxStates: number): Automaton {
  // Only the first state stands at the start: if its term comes back later it is another one.
  const terms = [term];
  const numbers = new Map<Term, number>();
  const states: AutomatonState[] = [];
  for (let index = 0; index < terms.length; index++) {
    const atStart = index === 0;
    const current = terms[index]!;
    const targets = new Map<number, CodePoints[]>();
    for (const [set, next] of steps(pool, current, atStart)) {
      if (next === pool.nothing) continue;
      let number = numbers.get(next);
      if (number === undefined) {
        number = terms.push(next) - 1;
        numbers.set(next, number);
        if (number >= maxStates) throw new TooManyStates();
      }
      const sets = targets.get(number);
      if (sets) sets.push(set);
      else targets.set(number, [set]);
    }
    states.push({
      isAccepting: pool.isNullable(current, atStart, true),
      moves: [...targets].map(([target, sets]) => ({
        target,
        set: sets.length === 1 ? sets[0]! : union(...sets),
      })),
    });
  }
  return withoutDeadEnds(states);
}

/** Whether the term admits no text at all: of one that does, only a way to it is followed. @throws TooManyStates */
export function isEmptyLanguage(pool: TermPool, term: Term, maxStates: number): boolean {
  const seen = new Set<Term>();
  const todo = [term];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const atStart = seen.size === 0;
    if (pool.isNullable(next, atStart, true)) return false;
    seen.add(next);
    for (const [, following] of steps(pool, next, atStart)) {
      if (following === pool.nothing || seen.has(following)) continue;
      if (seen.size + todo.length >= maxStates) throw new TooManyStates();
      todo.push(following);
    }
  }
  return true;
}

/** What may follow which characters; several sets may lead to one term. */
function steps(pool: TermPool, term: Term, atStart: boolean): [CodePoints, Term][] {
  // Words, and names that are none of them, are most of what there is.
  const isOpposite = term.kind === 'not' && term.term.kind === 'words';
  const words = isOpposite ? term.term : term;
  if (words.kind === 'words') {
    const points = [...words.node.next.keys()].sort((a, b) => a - b);
    const taken = points.map((point): [CodePoints, Term] => [
      single(point),
      pool.derive(term, point, false),
    ]);
    if (!isOpposite) return taken;
    return [...taken, [complement(points.map((point) => [point, point])), pool.anything]];
  }
  return partition(firstSets(pool, term, atStart)).map((set) => [
    set,
    pool.derive(term, set[0]![0], atStart),
  ]);
}

const DIGITS_AND_POINT = Array.from('0123456789.', (char) => single(char.charCodeAt(0)));

/** Sets that tell apart all characters that the term treats differently as the next one. */
function firstSets(pool: TermPool, term: Term, atStart: boolean): CodePoints[] {
  switch (term.kind) {
    case 'set':
      return [term.set];
    case 'sequence':
      return pool.isNullable(term.first, atStart, false)
        ? [...firstSets(pool, term.first, atStart), ...firstSets(pool, term.rest, atStart)]
        : firstSets(pool, term.first, atStart);
    case 'choice':
    case 'both':
      return term.parts.flatMap((part) => firstSets(pool, part, atStart));
    case 'not':
    case 'repeat':
      return firstSets(pool, term.term, atStart);
    case 'words':
      return [...term.node.next.keys()].map(single);
    case 'multiple':
      return DIGITS_AND_POINT;
    default:
      return [];
  }
}

export function withoutDeadEnds(states: AutomatonState[]): Automaton {
  const sources: number[][] = states.map(() => []);
  states.forEach(({ moves }, index) => {
    for (const { target } of moves) sources[target]!.push(index);
  });
  const alive = new Set<number>();
  const todo = states.flatMap(({ isAccepting }, index) => (isAccepting ? [index] : []));
  for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
    if (alive.has(index)) continue;
    alive.add(index);
    todo.push(...sources[index]!);
  }
  if (!alive.has(0)) return [];
  const kept = states.flatMap((_, index) => (alive.has(index) ? [index] : []));
  const renumbered = new Map(kept.map((index, number) => [index, number]));
  return kept.map((index) => ({
    isAccepting: states[index]!.isAccepting,
    moves: states[index]!.moves.flatMap(({ set, target }) =>
      alive.has(target) ? [{ set, target: renumbered.get(target)! }] : [],
    ),
  }));
}
