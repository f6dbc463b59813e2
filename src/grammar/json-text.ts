/**
 * Strings and other texts as JSON writes them, in rules of a grammar: any string, those of a language, those that are
 * none of some words. How a character is written: characters.ts.
 */
import { type Automaton, automatonOf, classify, followed, type Kinds } from './automaton.js';
import { type Lengths, ofLength } from './automaton-lengths.js';
import { Characters } from './characters.js';
import { ANY_CHARACTER, type CodePoints, codePoints, complement, single } from './code-points.js';
import type { LabelForm } from './formats.js';
import type { Alternative, GrammarBuilder } from './gbnf.js';
import type { Term } from './language.js';
import type { Moves } from './moves.js';
import { wholeTerm } from './regexp.js';
import { TermListMap } from './term-lists.js';
import { bracketed, literal } from './terminals.js';
import { QUOTE, TextRules } from './text-rules.js';
import { type WordNode, wordsOf } from './word-trees.js';

const MAX_STATES = 3_000;
/** States that tell how long a text is, too. */
const MAX_COUNTED = 4_000;
const ANY_LENGTH: Lengths = { min: 0, max: Number.POSITIVE_INFINITY };

export class JsonText {
  private readonly texts = new Map<string, number | undefined>();
  private readonly others = new Map<WordNode, number>();
  private readonly othersOfOne = new Map<string, number>();
  private readonly freeEnds = new Map<string | number, number>();
  /** Rules of places behind the first character, by what `kinds` is told apart. */
  private readonly written = new Map<string, TermListMap<number>>();
  private readonly characters: Characters;
  private readonly rules: TextRules;

  constructor(
    private readonly builder: GrammarBuilder,
    private readonly moves: Moves,
  ) {
    this.characters = new Characters(builder);
    this.rules = new TextRules(builder, this.characters, moves.pool.trees);
  }

  /** A JSON string, of any text or of so many characters. */
  anyString(min: number, max: number): number {
    const char = this.characters.symbol(ANY_CHARACTER);
    const inside = this.builder.repeat('char', char, min, max);
    return this.builder.rule('string', [[QUOTE, ...inside, QUOTE]]);
  }

  /** A JSON string that is none of the words. */
  otherThan(words: WordNode): number {
    return this.builder.rule('name', [[QUOTE, this.otherEnd(words)]]);
  }

  /** The end of such a string, its quote too. Ends are shared by all objects of a schema, which have many names. */
  private otherEnd(words: WordNode): number {
    const { only, points, nodes, isWord } = words;
    if (only !== undefined) return this.otherEndOfOne(only);
    let rule = this.others.get(words);
    if (rule !== undefined) return rule;
    rule = this.builder.declare('name');
    this.others.set(words, rule);
    const forms: Alternative[] = [];
    for (let i = 0; i < points.length; i++)
      forms.push([this.characters.symbol(single(points[i]!)), this.otherEnd(nodes[i]!)]);
    forms.push([this.freeEnd(points, !isWord)]);
    this.builder.define(rule, forms);
    return rule;
  }

  /** From behind, and without recursion: the word may be long. */
  private otherEndOfOne(word: string): number {
    const rests: string[] = [];
    let rest = word;
    let rule = this.othersOfOne.get(rest);
    while (rule === undefined && rest !== '') {
      rests.push(rest);
      rest = rest.slice(rest.codePointAt(0)! > 0xffff ? 2 : 1);
      rule = this.othersOfOne.get(rest);
    }
    rule ??= this.freeEnd([], false);
    for (let i = rests.length - 1; i >= 0; i--) {
      const point = rests[i]!.codePointAt(0)!;
      const form = [this.characters.symbol(single(point)), rule];
      rule = this.builder.declare('name');
      this.builder.define(rule, [form, [this.freeEnd([point], true)]]);
      this.othersOfOne.set(rests[i]!, rule);
    }
    return rule;
  }

  /** What ends a text that goes on with none of `points`. */
  private freeEnd(points: readonly number[], mayEnd: boolean): number {
    const key = points.length === 1 && mayEnd ? points[0]! : `${mayEnd} ${points.join()}`;
    let rule = this.freeEnds.get(key);
    if (rule === undefined) {
      const free = complement(codePoints(points.map((point) => [point, point] as const)));
      const any = this.characters.symbol(ANY_CHARACTER);
      const more = this.builder.repeat('char', any, 0, Number.POSITIVE_INFINITY);
      const forms: Alternative[] = [[this.characters.symbol(free), ...more, QUOTE]];
      if (mayEnd) forms.push([QUOTE]);
      rule = this.builder.rule('name-end', forms);
      this.freeEnds.set(key, rule);
    }
    return rule;
  }

  /** A JSON string in the language, or undefined where there is none. @throws TooManyStates */
  string(hint: string, term: Term, lengths: Lengths = ANY_LENGTH): number | undefined {
    const key = `${term.id} ${lengths.min} ${lengths.max}`;
    if (!this.texts.has(key)) {
      const inside =
        term.kind === 'words'
          ? this.someOf(hint, term.node, lengths)
          : this.inside(hint, this.automaton(term, lengths), () => [QUOTE]);
      this.texts.set(
        key,
        inside === undefined ? undefined : this.builder.rule(hint, [[QUOTE, inside]]),
      );
    }
    return this.texts.get(key);
  }

  /** A JSON string of a format of any length. */
  labels(hint: string, { pattern, head, label, least, most }: LabelForm): number {
    let rule = this.texts.get(pattern);
    if (rule === undefined) {
      const before = head ? [this.part(hint, head)] : [];
      const one = this.part(hint, label);
      const dotted = this.builder.rule(hint, [[literal('.'), one]]);
      const more = this.builder.repeat(hint, dotted, least - 1, most - 1);
      rule = this.builder.rule(hint, [[QUOTE, ...before, one, ...more, QUOTE]]);
      this.texts.set(pattern, rule);
    }
    return rule;
  }

  private part(hint: string, pattern: string): number {
    const term = wholeTerm(this.moves.pool, pattern);
    return this.inside(hint, automatonOf(this.moves, term, MAX_STATES), () => [])!;
  }

  private automaton(term: Term, lengths: Lengths): Automaton {
    return ofLength(automatonOf(this.moves, term, MAX_STATES), lengths, MAX_COUNTED);
  }

  private someOf(hint: string, words: WordNode, { min, max }: Lengths): number | undefined {
    if (min === 0 && max === Number.POSITIVE_INFINITY) return this.rules.words(hint, words);
    const kept = wordsOf(words).filter((word) => {
      const { length } = Array.from(word);
      return length >= min && length <= max;
    });
    return kept.length > 0 ? this.rules.words(hint, this.moves.pool.trees.of(kept)) : undefined;
  }

  private inside(
    hint: string,
    automaton: Automaton,
    endOf: (kind: number) => Alternative,
    written?: TermListMap<number>,
  ): number | undefined {
    if (automaton.length === 0) return undefined;
    const symbolOf = (set: CodePoints) => this.characters.symbol(set);
    return this.rules.automaton(hint, automaton, endOf, symbolOf, written);
  }

  /**
   * A JSON string in the language and what comes behind it: `endOf` one of a kind, kinds being told apart by the parts
   * that admit it. Undefined where there is none.
   * @param key the same where what the parts say means the same, and has the same ends.
   * @throws TooManyStates
   */
  kinds(
    hint: string,
    key: string,
    kinds: Kinds,
    endOf: (kind: number) => Alternative,
  ): number | undefined {
    const { needed, others } = followed(kinds);
    const meaning = `${key} ${needed.length} ${others.map((part) => kinds.parts.indexOf(part))}`;
    let written = this.written.get(meaning);
    if (!written) {
      written = new TermListMap();
      this.written.set(meaning, written);
    }
    const known = written;
    const automaton = classify(this.moves, kinds, MAX_STATES, (place) => known.get(place));
    const ends = new Map<number, Alternative>();
    const quoted = (kind: number): Alternative => {
      let end = ends.get(kind);
      if (!end) {
        end = [this.builder.rule(`${hint}-end`, [[QUOTE, ...endOf(kind)]])];
        ends.set(kind, end);
      }
      return end;
    };
    const inside = this.inside(hint, automaton, quoted, written);
    return inside === undefined ? undefined : this.builder.rule(hint, [[QUOTE, inside]]);
  }

  /** A text in the language as it stands: a number, for instance. @throws TooManyStates */
  plain(hint: string, term: Term): number | undefined {
    const automaton = automatonOf(this.moves, term, MAX_STATES);
    if (automaton.length === 0) return undefined;
    return this.rules.automaton(hint, automaton, () => [], bracketed);
  }
}
