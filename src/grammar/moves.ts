/**
 * What may follow which characters in a language: the derivatives of a term (Brzozowski 1964), all at once. Found from
 * those of its parts and kept, so that what several terms have in common is worked out once for a schema.
 */
import { ANY_CHARACTER, type CodePoints } from './code-points.js';
import type { Term, TermPool } from './language.js';
import { TermLists } from './term-lists.js';

/** The characters of a range lead to a term. A list of moves is in order, disjoint, and has none to nothing. */
export interface Move {
  readonly from: number;
  readonly to: number;
  readonly next: Term;
}

const DIGITS_AND_POINT = Array.from('.0123456789', (char) => char.charCodeAt(0));

type TermList = readonly (Term | undefined)[];

export class Moves {
  private readonly known: (readonly Move[])[] = [];
  private readonly anyCharacter: readonly Move[];

  constructor(readonly pool: TermPool) {
    this.anyCharacter = movesTo(ANY_CHARACTER, pool.anything);
  }

  /** @param atStart whether nothing has been read yet. */
  of(term: Term, atStart: boolean): readonly Move[] {
    if (atStart && term.hasStart) return this.find(term, true);
    let moves = this.known[term.id];
    if (!moves) {
      moves = this.find(term, false);
      this.known[term.id] = moves;
    }
    return moves;
  }

  admits(term: Term, text: string): boolean {
    let state = term;
    let atStart = true;
    for (const char of text) {
      const point = char.codePointAt(0)!;
      const move = this.of(state, atStart).find(({ from, to }) => point >= from && point <= to);
      if (!move) return false;
      state = move.next;
      atStart = false;
    }
    return this.pool.isNullable(state, atStart, true);
  }

  private find(term: Term, atStart: boolean): readonly Move[] {
    const { pool } = this;
    switch (term.kind) {
      case 'nothing':
      case 'empty':
      case 'start':
      case 'end':
        return [];
      case 'set':
        return movesTo(term.set, pool.empty);
      case 'sequence': {
        const through = this.followed(this.of(term.first, atStart), pool.past(term.rest));
        if (!pool.isNullable(term.first, atStart, false)) return through;
        return this.anyOf([through, this.of(term.rest, atStart)]);
      }
      case 'choice':
        return this.anyOf(term.parts.map((part) => this.of(part, atStart)));
      case 'both': {
        const lists = term.parts.map((part) => this.of(part, atStart));
        return this.joined(lists, (next) =>
          next.includes(undefined) ? pool.nothing : pool.bothOf(next as Term[]),
        );
      }
      case 'not':
        return this.opposite(this.of(term.term, atStart));
      case 'repeat': {
        const rest = pool.repeat(pool.past(term.term), Math.max(0, term.min - 1), term.max - 1);
        return this.followed(this.of(term.term, atStart), rest);
      }
      case 'words': {
        const { points, nodes } = term.node;
        return points.map((p, i) => ({ from: p, to: p, next: pool.wordTerm(nodes[i]!) }));
      }
      case 'multiple':
        return DIGITS_AND_POINT.flatMap((point): Move[] => {
          const next = term.state.after(point);
          return next ? [{ from: point, to: point, next: pool.multiple(next) }] : [];
        });
    }
  }

  private followed(moves: readonly Move[], rest: Term): readonly Move[] {
    if (rest === this.pool.empty) return moves;
    const list = new MoveList(this.pool);
    for (let i = 0; i < moves.length; i++) {
      const { from, to, next } = moves[i]!;
      list.add(from, to, this.pool.pair(next, rest));
    }
    return list.moves;
  }

  private opposite(moves: readonly Move[]): readonly Move[] {
    return this.joined([moves, this.anyCharacter], ([next]) =>
      next ? this.pool.not(next) : this.pool.anything,
    );
  }

  private anyOf(lists: readonly (readonly Move[])[]): readonly Move[] {
    const open = lists.every(isOpen) ? lists : lists.filter(isOpen);
    if (open.length < 2) return open[0] ?? [];
    return this.joined(open, (next) => this.pool.choiceOf(next));
  }

  private joined(
    lists: readonly (readonly Move[])[],
    join: (next: TermList) => Term,
  ): readonly Move[] {
    const list = new MoveList(this.pool);
    const known: Term[] = [];
    together(lists, (from, to, each, number) => {
      this.pool.charge(each.length - 1);
      known[number] ??= join(each);
      list.add(from, to, known[number]);
    });
    return list.moves;
  }
}

/** Moves that are added in order; neighbours that lead to one term are one, and none leads to nothing. */
class MoveList {
  moves: { from: number; to: number; next: Term }[] = [];

  constructor(private readonly pool: TermPool) {}

  add(from: number, to: number, next: Term): void {
    this.pool.charge(1);
    if (next === this.pool.nothing) return;
    const last = this.moves[this.moves.length - 1];
    // Most lists have one: a list that is begun with it takes no more room.
    if (!last) this.moves = [{ from, to, next }];
    else if (last.next === next && last.to + 1 === from) last.to = to;
    else this.moves.push({ from, to, next });
  }
}

function isOpen(moves: readonly Move[]): boolean {
  return moves.length > 0;
}

function movesTo(set: CodePoints, next: Term): Move[] {
  return set.map(([from, to]) => ({ from, to, next }));
}

/**
 * Where each of the lists leads, in ranges of characters that none of them tells apart. Equal answers have one number.
 */
export function together(
  lists: readonly (readonly Move[])[],
  see: (from: number, to: number, next: TermList, number: number) => void,
): void {
  const places = new Array<number>(lists.length).fill(0);
  const answers = new TermLists<Term | undefined>();
  const next = new Array<Term | undefined>(lists.length).fill(undefined);
  for (let from = 0; from !== Number.POSITIVE_INFINITY; ) {
    let to = Number.POSITIVE_INFINITY;
    let isAny = false;
    for (let i = 0; i < lists.length; i++) {
      const moves = lists[i]!;
      let move = moves[places[i]!];
      if (move && move.to < from) move = moves[++places[i]!];
      const isHere = move !== undefined && move.from <= from;
      next[i] = isHere ? move!.next : undefined;
      if (!move) continue;
      const end = isHere ? move.to : move.from - 1;
      if (end < to) to = end;
      if (isHere) isAny = true;
    }
    if (isAny) {
      const number = answers.numberOf(next);
      see(from, to, answers.all[number]!, number);
    }
    from = to + 1;
  }
}
