/**
 * Regular languages as terms: sets of characters, sequence, choice, repetition, and also intersection and
 * complement, so that every rule about one text (patterns, formats, lengths, names that are taken) is one term.
 * Equal terms are one object within a pool. What may follow which characters: moves.ts.
 * `start` and `end` match nothing, at the first and the last place of the whole text only.
 */
import { ANY_CHARACTER, type CodePoints, keyOf, single, union } from './code-points.js';
import { type DecimalMultiple, multipleKey } from './decimal-multiple.js';
import { type WordNode, WordTrees } from './word-trees.js';

export type Term = { readonly id: number; readonly hasStart: boolean } & TermShape;

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

export class TermPool {
  private work = 0;
  private readonly known = new Map<string, Term>();
  readonly trees = new WordTrees();

  readonly nothing = this.intern('0', { kind: 'nothing' }, false);
  readonly empty = this.intern('1', { kind: 'empty' }, false);
  readonly start = this.intern('^', { kind: 'start' }, true);
  readonly end = this.intern('$', { kind: 'end' }, false);
  readonly anyCharacter = this.set(ANY_CHARACTER);
  readonly anything = this.repeat(this.anyCharacter, 0, Number.POSITIVE_INFINITY);

  /** How many terms there are. */
  get size(): number {
    return this.known.size;
  }

  /** Counts work, so that a pattern whose states are few but huge ends, too. @throws TooManyStates */
  charge(work: number): void {
    this.work += work;
    if (this.work > MAX_WORK) throw new TooManyStates();
  }

  /** How much work was done so far. */
  get workDone(): number {
    return this.work;
  }

  private intern(key: string, shape: TermShape, hasStart: boolean): Term {
    this.charge(1);
    let term = this.known.get(key);
    if (!term) {
      term = { id: this.known.size, hasStart, ...shape };
      this.known.set(key, term);
    }
    return term;
  }

  set(set: CodePoints): Term {
    if (set.length === 0) return this.nothing;
    return this.intern(`[${keyOf(set)}`, { kind: 'set', set }, false);
  }

  text(text: string): Term {
    return this.sequence(...Array.from(text, (char) => this.set(single(char.codePointAt(0)!))));
  }

  sequence(...terms: Term[]): Term {
    return terms.reduceRight((rest, first) => this.pair(first, rest), this.empty);
  }

  private pair(first: Term, rest: Term): Term {
    if (first === this.nothing || rest === this.nothing) return this.nothing;
    if (first === this.empty) return rest;
    if (rest === this.empty) return first;
    if (first === this.anything && rest === this.anything) return rest;
    if (first.kind === 'sequence') return this.pair(first.first, this.pair(first.rest, rest));
    const key = `.${first.id},${rest.id}`;
    return this.intern(key, { kind: 'sequence', first, rest }, first.hasStart || rest.hasStart);
  }

  choice(...terms: Term[]): Term {
    const parts = this.flat('choice', terms).filter((term) => term !== this.nothing);
    if (parts.includes(this.anything)) return this.anything;
    const sets = parts.filter((term) => term.kind === 'set');
    if (sets.length > 1) {
      const merged = this.set(union(...sets.map(({ set }) => set)));
      return this.choice(merged, ...parts.filter((term) => term.kind !== 'set'));
    }
    return this.many('choice', '|', parts, this.nothing);
  }

  both(...terms: Term[]): Term {
    const parts = this.flat('both', terms).filter((term) => term !== this.anything);
    if (parts.includes(this.nothing)) return this.nothing;
    return this.many('both', '&', parts, this.anything);
  }

  private flat(kind: 'choice' | 'both', terms: Term[]): Term[] {
    if (!terms.some((term) => term.kind === kind)) return terms;
    return terms.flatMap((term) => (term.kind === kind ? [...term.parts] : [term]));
  }

  private many(kind: 'choice' | 'both', sign: string, terms: Term[], none: Term): Term {
    this.charge(terms.length);
    const parts = [...new Set(terms)].sort((a, b) => a.id - b.id);
    if (parts.length === 0) return none;
    if (parts.length === 1) return parts[0]!;
    const key = sign + parts.map(({ id }) => id).join();
    return this.intern(
      key,
      { kind, parts },
      parts.some((term) => term.hasStart),
    );
  }

  not(term: Term): Term {
    if (term === this.nothing) return this.anything;
    if (term === this.anything) return this.nothing;
    if (term.kind === 'not') return term.term;
    return this.intern(`!${term.id}`, { kind: 'not', term }, term.hasStart);
  }

  repeat(term: Term, min: number, max: number): Term {
    if (max < min) return this.nothing;
    if (max === 0 || term === this.empty) return this.empty;
    if (min === 1 && max === 1) return term;
    if (term === this.nothing) return min === 0 ? this.empty : this.nothing;
    const least = this.isNullable(term, false, false) ? 0 : min;
    if (term.kind === 'repeat' && term.min === 0 && term.max === Number.POSITIVE_INFINITY)
      return term;
    const key = `*${term.id},${least},${max}`;
    return this.intern(key, { kind: 'repeat', term, min: least, max }, term.hasStart);
  }

  words(words: Iterable<string>): Term {
    return this.wordTerm(this.trees.of(words));
  }

  wordTerm(node: WordNode): Term {
    if (node.next.size === 0) return node.isWord ? this.empty : this.nothing;
    return this.intern(`w${node.id}`, { kind: 'words', node }, false);
  }

  /** Decimal digits with at most one point, of a multiple; see decimal-multiple.ts. */
  multiple(state: DecimalMultiple): Term {
    return this.intern(multipleKey(state), { kind: 'multiple', state }, false);
  }

  /** Whether the term admits the empty text, standing at the start, at the end, at both or in the middle. */
  isNullable(term: Term, atStart: boolean, atEnd: boolean): boolean {
    switch (term.kind) {
      case 'nothing':
      case 'set':
        return false;
      case 'empty':
        return true;
      case 'start':
        return atStart;
      case 'end':
        return atEnd;
      case 'sequence':
        return (
          this.isNullable(term.first, atStart, atEnd) && this.isNullable(term.rest, atStart, atEnd)
        );
      case 'choice':
        return term.parts.some((part) => this.isNullable(part, atStart, atEnd));
      case 'both':
        return term.parts.every((part) => this.isNullable(part, atStart, atEnd));
      case 'not':
        return !this.isNullable(term.term, atStart, atEnd);
      case 'repeat':
        return term.min === 0 || this.isNullable(term.term, atStart, atEnd);
      case 'words':
        return term.node.isWord;
      case 'multiple':
        return term.state.isMultiple();
    }
  }

  /** The term where the start of the text lies behind. */
  past(term: Term): Term {
    if (!term.hasStart) return term;
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
