/**
 * Regular languages as terms: sets of characters, sequence, choice, repetition, and also intersection and
 * complement, so that every rule about one text (patterns, formats, lengths, names that are taken) is one term.
 * Equal terms are one object within a pool. What may follow which characters: moves.ts.
 * `start` and `end` match nothing, at the first and the last place of the whole text only.
 */
import {
  ANY_CHARACTER,
  type CodePoints,
  isSurrogate,
  keyOf,
  single,
  union,
} from './code-points.js';
import type { DecimalMultiple } from './decimal-multiple.js';
import { TermListMap } from './term-lists.js';
import { type WordNode, WordTrees } from './word-trees.js';

export type Term = {
  readonly id: number;
  readonly hasStart: boolean;
  /** Where it admits the empty text, a bit for each place; see `placeOf`. */
  readonly nullable: number;
} & TermShape;

type TermShape =
  | { readonly kind: 'nothing' | 'empty' | 'start' | 'end' }
  | { readonly kind: 'set'; readonly set: CodePoints }
  | { readonly kind: 'sequence'; readonly first: Term; readonly rest: Term }
  | { readonly kind: 'choice' | 'both'; readonly parts: readonly Term[] }
  | { readonly kind: 'not'; readonly term: Term }
  | { readonly kind: 'repeat'; readonly term: Term; readonly min: number; readonly max: number }
  | { readonly kind: 'words'; readonly node: WordNode }
  | { readonly kind: 'multiple'; readonly state: DecimalMultiple };

/** A language that needs more states, or more work, than any schema of people does. */
export class TooManyStates extends Error {}

/** Terms looked at while a schema is compiled: of a thousand real ones that are kept none needs more than 32,000. */
const MAX_WORK = 500_000;

/** So many looks are the work of one term. */
const LOOKS = 32;

const MAX_WORD = 20_000;

const NOWHERE = 0;
const AT_START = 0b1010;
const AT_END = 0b1100;
const ANYWHERE = 0b1111;

export class TermPool {
  private work = 0;
  private looks = 0;
  private count = 0;
  /** Of two others, found by one number. */
  private readonly sequences = new Map<number, Term>();
  private readonly ofParts = { choice: new TermListMap<Term>(), both: new TermListMap<Term>() };
  private readonly opposites = new Map<Term, Term>();
  private readonly pasts = new Map<Term, Term>();
  private readonly byNode = new Map<WordNode, Term>();
  private readonly characters = new Map<number, Term>();
  private readonly known = new Map<string, Term>();
  readonly trees = new WordTrees();

  readonly nothing = this.add({ kind: 'nothing' }, false, NOWHERE);
  readonly empty = this.add({ kind: 'empty' }, false, ANYWHERE);
  readonly start = this.add({ kind: 'start' }, true, AT_START);
  readonly end = this.add({ kind: 'end' }, false, AT_END);
  readonly anyCharacter = this.set(ANY_CHARACTER);
  readonly anything = this.repeat(this.anyCharacter, 0, Number.POSITIVE_INFINITY);

  /** How many terms there are. */
  get size(): number {
    return this.count;
  }

  /** Counts work, so that a pattern whose states are few but huge ends, too. @throws TooManyStates */
  charge(work: number): void {
    this.work += work;
    if (this.work > MAX_WORK) throw new TooManyStates();
  }

  /** Counts work that is small: an object may have many groups of properties, and many names. */
  look(count: number): void {
    this.looks += count;
    if (this.looks < LOOKS) return;
    this.charge(Math.floor(this.looks / LOOKS));
    this.looks %= LOOKS;
  }

  private add(shape: TermShape, hasStart: boolean, nullable: number): Term {
    this.charge(1);
    return { id: this.count++, hasStart, nullable, ...shape };
  }

  /** The term of a key, or else the one that `make` makes. */
  private intern<Key>(terms: Map<Key, Term>, key: Key, make: () => Term): Term {
    let term = terms.get(key);
    if (!term) {
      term = make();
      terms.set(key, term);
    }
    return term;
  }

  set(set: CodePoints): Term {
    if (set.length === 0) return this.nothing;
    if (set.length === 1 && set[0]![0] === set[0]![1]) return this.character(set[0]![0]);
    return this.intern(this.known, `[${keyOf(set)}`, () =>
      this.add({ kind: 'set', set }, false, NOWHERE),
    );
  }

  character(point: number): Term {
    if (isSurrogate(point)) return this.nothing;
    return this.intern(this.characters, point, () =>
      this.add({ kind: 'set', set: single(point) }, false, NOWHERE),
    );
  }

  text(text: string): Term {
    return this.sequence(...Array.from(text, (char) => this.character(char.codePointAt(0)!)));
  }

  sequence(...terms: Term[]): Term {
    return terms.reduceRight((rest, first) => this.pair(first, rest), this.empty);
  }

  pair(first: Term, rest: Term): Term {
    if (first === this.nothing || rest === this.nothing) return this.nothing;
    if (first === this.empty) return rest;
    if (rest === this.empty) return first;
    if (first === this.anything && rest === this.anything) return rest;
    if (first.kind === 'sequence') return this.pair(first.first, this.pair(first.rest, rest));
    return this.intern(this.sequences, keyOfTwo(first, rest), () => {
      const hasStart = first.hasStart || rest.hasStart;
      return this.add({ kind: 'sequence', first, rest }, hasStart, first.nullable & rest.nullable);
    });
  }

  choice(...terms: Term[]): Term {
    return this.choiceOf(terms);
  }

  /** Of those that there are. */
  choiceOf(terms: readonly (Term | undefined)[]): Term {
    const parts = partsOf('choice', terms, this.nothing);
    if (parts.includes(this.anything)) return this.anything;
    const sets: CodePoints[] = [];
    for (const part of parts) if (part.kind === 'set') sets.push(part.set);
    if (sets.length < 2) return this.many('choice', parts, this.nothing);
    const others = parts.filter(({ kind }) => kind !== 'set');
    return this.many('choice', [this.set(union(...sets)), ...others], this.nothing);
  }

  both(...terms: Term[]): Term {
    return this.bothOf(terms);
  }

  bothOf(terms: readonly Term[]): Term {
    const parts = partsOf('both', terms, this.anything);
    if (parts.includes(this.nothing)) return this.nothing;
    return this.many('both', parts, this.anything);
  }

  private many(kind: 'choice' | 'both', terms: Term[], none: Term): Term {
    this.charge(terms.length);
    const parts = sortedOnce(terms);
    if (parts.length === 0) return none;
    if (parts.length === 1) return parts[0]!;
    let term = this.ofParts[kind].get(parts);
    if (!term) {
      const nullable = parts.map((part) => part.nullable);
      term = this.add(
        { kind, parts },
        parts.some(({ hasStart }) => hasStart),
        kind === 'choice' ? nullable.reduce((a, b) => a | b) : nullable.reduce((a, b) => a & b),
      );
      this.ofParts[kind].set(parts, term);
    }
    return term;
  }

  not(term: Term): Term {
    if (term === this.nothing) return this.anything;
    if (term === this.anything) return this.nothing;
    if (term.kind === 'not') return term.term;
    return this.intern(this.opposites, term, () =>
      this.add({ kind: 'not', term }, term.hasStart, ANYWHERE & ~term.nullable),
    );
  }

  repeat(term: Term, min: number, max: number): Term {
    if (max < min) return this.nothing;
    if (max === 0 || term === this.empty) return this.empty;
    if (min === 1 && max === 1) return term;
    if (term === this.nothing) return min === 0 ? this.empty : this.nothing;
    const least = this.isNullable(term, false, false) ? 0 : min;
    if (term.kind === 'repeat' && term.min === 0 && term.max === Number.POSITIVE_INFINITY)
      return term;
    return this.intern(this.known, `*${term.id},${least},${max}`, () => {
      const nullable = least === 0 ? ANYWHERE : term.nullable;
      return this.add({ kind: 'repeat', term, min: least, max }, term.hasStart, nullable);
    });
  }

  /** @throws TooManyStates */
  words(words: readonly string[]): Term {
    if (words.some(({ length }) => length > MAX_WORD)) throw new TooManyStates();
    return this.wordTerm(this.trees.of(words));
  }

  wordTerm(node: WordNode): Term {
    if (node.isEnd) return node.isWord ? this.empty : this.nothing;
    return this.intern(this.byNode, node, () =>
      this.add({ kind: 'words', node }, false, node.isWord ? ANYWHERE : NOWHERE),
    );
  }

  /** Decimal digits with at most one point, of a multiple; see decimal-multiple.ts. */
  multiple(state: DecimalMultiple): Term {
    return this.intern(this.known, state.key, () =>
      this.add({ kind: 'multiple', state }, false, state.isMultiple() ? ANYWHERE : NOWHERE),
    );
  }

  /** Whether the term admits the empty text, standing at the start, at the end, at both or in the middle. */
  isNullable(term: Term, atStart: boolean, atEnd: boolean): boolean {
    return ((term.nullable >> placeOf(atStart, atEnd)) & 1) === 1;
  }

  /** The term where the start of the text lies behind. */
  past(term: Term): Term {
    // Terms share their parts: each is gone through once.
    return term.hasStart ? this.intern(this.pasts, term, () => this.withoutStart(term)) : term;
  }

  private withoutStart(term: Term): Term {
    switch (term.kind) {
      case 'start':
        return this.nothing;
      case 'sequence':
        return this.pair(this.past(term.first), this.past(term.rest));
      case 'choice':
        return this.choice(...term.parts.map((part) => this.past(part)));
      case 'both':
        return this.both(...term.parts.map((part) => this.past(part)));
      case 'not':
        return this.not(this.past(term.term));
      case 'repeat':
        return this.repeat(this.past(term.term), term.min, term.max);
      default:
        return term;
    }
  }
}

function placeOf(atStart: boolean, atEnd: boolean): number {
  return (atStart ? 1 : 0) + (atEnd ? 2 : 0);
}

/** One number for two terms: there are fewer than MAX_WORK. */
function keyOfTwo(a: Term, b: Term): number {
  return a.id * MAX_WORK + b.id;
}

/** The terms, those of a kind as their parts, without `none`. */
function partsOf(
  kind: 'choice' | 'both',
  terms: readonly (Term | undefined)[],
  none: Term,
): Term[] {
  const parts: Term[] = [];
  for (let i = 0; i < terms.length; i++) {
    const term = terms[i];
    if (!term) continue;
    if (term.kind === kind) parts.push(...term.parts);
    else if (term !== none) parts.push(term);
  }
  return parts;
}

/** By their ids, each once. Most come in order, or are few. */
function sortedOnce(terms: Term[]): Term[] {
  if (terms.length > 8) terms.sort((a, b) => a.id - b.id);
  const sorted: Term[] = [];
  for (let i = 0; i < terms.length; i++) {
    const term = terms[i]!;
    let at = sorted.length;
    while (at > 0 && sorted[at - 1]!.id > term.id) at--;
    if (at > 0 && sorted[at - 1] === term) continue;
    if (at === sorted.length) sorted.push(term);
    else sorted.splice(at, 0, term);
  }
  return sorted;
}
