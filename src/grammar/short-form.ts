/**
 * A format beside "maxLength" as a term of few states: its texts of at most so many characters, or most of them, and
 * nothing else. What is left of the room is counted down, so that all ways to one place with one room are one state.
 */
import { type Automaton, automatonOf } from './automaton.js';
import type { ShortForm } from './formats.js';
import type { Term, TermPool } from './language.js';
import type { Moves } from './moves.js';
import { wholeTerm } from './regexp.js';

const MAX_STATES = 300;

/** @param max finite */
export function shortTerm(moves: Moves, form: ShortForm, max: number): Term {
  const { pool } = moves;
  const tail = wholeTerm(pool, form.tail);
  const head = upTo(pool, wholeTerm(pool, form.head), form.headMost);
  const headed = behind(pool, automatonOf(moves, head, MAX_STATES), max, (room) =>
    upTo(pool, tail, Math.min(room, form.tailMost)),
  );
  if (form.alone === undefined) return headed;
  return pool.choice(upTo(pool, wholeTerm(pool, form.alone), max), headed);
}

function upTo(pool: TermPool, term: Term, max: number): Term {
  return pool.both(term, pool.repeat(pool.anyCharacter, 0, max));
}

/** A text of the automaton, and behind it what `tailOf` makes of the room that is left. */
function behind(
  pool: TermPool,
  automaton: Automaton,
  max: number,
  tailOf: (room: number) => Term,
): Term {
  const known = new Map<string, Term>();
  const from = (state: number, room: number): Term => {
    const key = `${state} ${room}`;
    let term = known.get(key);
    if (!term) {
      const { kind, moves } = automaton[state]!;
      const forms = moves.map(({ set, target }) =>
        room === 0 ? pool.nothing : pool.pair(pool.set(set), from(target, room - 1)),
      );
      if (kind !== undefined) forms.push(tailOf(room));
      term = pool.choice(...forms);
      known.set(key, term);
    }
    return term;
  };
  return from(0, max);
}
