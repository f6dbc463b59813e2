/**
 * Strings and other texts as JSON writes them, in rules of a grammar. A character stands as itself, or as an escape
 * where Python's json or JSON.stringify would write one: the short ones, \u for control characters and for all
 * beyond ASCII, pairs of them above U+FFFF. A string that may be anything has every escape that JSON allows.
 */
import { type Automaton, automatonOf, classify } from './automaton.js';
import { type Lengths, ofLength } from './automaton-lengths.js';
import {
  ANY_CHARACTER,
  type CodePoints,
  charactersOf,
  codePoints,
  complement,
  has,
  intersect,
  keyOf,
} from './code-points.js';
import { type Alternative, bracketed, type GrammarBuilder, literal } from './gbnf.js';
import { HexRules } from './hex-rules.js';
import type { Term } from './language.js';
import type { Moves } from './moves.js';
import type { WordNode } from './word-trees.js';

const MUST_ESCAPE = codePoints([
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
]);
const UNESCAPED = complement(MUST_ESCAPE);
const SHORT: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
};
const SHORT_POINTS = Object.entries(SHORT).map(
  ([char, sign]) => [char.charCodeAt(0), sign] as const,
);
const ANY_KEY = keyOf(ANY_CHARACTER);
const ESCAPED_BY_HEX = codePoints([
  [0, 0x1f],
  [0x7f, 0x10ffff],
]);
const PLAIN_ASCII = intersect(UNESCAPED, [[0x20, 0x7e]]);
const MAX_STATES = 3_000;
/** States that tell how long a text is, too. */
const MAX_COUNTED = 4_000;
const ANY_LENGTH: Lengths = { min: 0, max: Number.POSITIVE_INFINITY };

/** Texts of `term` by what `parts` say of them; see automaton.ts. */
export interface Kinds {
  readonly term: Term;
  readonly parts: readonly Term[];
  kindOf(fits: readonly boolean[]): number | undefined;
}

export class JsonText {
  private readonly characters = new Map<string, number>();
  private readonly texts = new Map<string, number | undefined>();
  private readonly others = new Map<number, number>();
  private readonly freeEnds = new Map<string, Alternative>();
  private readonly hex: HexRules;

  constructor(
    private readonly builder: GrammarBuilder,
    private readonly moves: Moves,
  ) {
    this.hex = new HexRules(builder);
  }

  /** One character of the set, inside of a JSON string. */
  character(set: CodePoints): number {
    const key = keyOf(set);
    let rule = this.characters.get(key);
    if (rule === undefined) {
      rule = this.builder.rule('char', this.characterForms(set));
      this.characters.set(key, rule);
    }
    return rule;
  }

  private characterForms(set: CodePoints): Alternative[] {
    const isAny = keyOf(set) === ANY_KEY;
    const plain = intersect(set, UNESCAPED);
    const short = SHORT_POINTS.flatMap(([point, sign]) => (has(set, point) ? [sign] : []));
    if (isAny) short.push('/');
    const escapes: Alternative[] = [];
    if (short.length > 0) escapes.push([bracketed(charactersOf(short.join('')))]);
    escapes.push(...this.hex.escapes(isAny ? set : intersect(set, ESCAPED_BY_HEX)));
    const forms: Alternative[] = plain.length > 0 ? [[bracketed(plain)]] : [];
    if (escapes.length > 0) forms.push([literal('\\'), this.builder.rule('escape', escapes)]);
    return forms;
  }

  /** A JSON string, of any text or of so many characters. */
  anyString(min: number, max: number): number {
    const char = this.character(ANY_CHARACTER);
    const inside = this.builder.repeat('char', char, min, max);
    return this.builder.rule('string', [[literal('"'), ...inside, literal('"')]]);
  }

  /** A JSON string that is none of the words. */
  otherThan(words: WordNode): number {
    return this.builder.rule('name', [[literal('"'), this.otherEnd(words)]]);
  }

  /** The end of such a string, its quote too. Ends are shared by all objects of a schema, which have many names. */
  private otherEnd(words: WordNode): number {
    let rule = this.others.get(words.id);
    if (rule !== undefined) return rule;
    const points = [...words.next.keys()].sort((a, b) => a - b);
    const taken = points.map((point): Alternative => {
      const head = this.move([[point, point]], true);
      return [head, this.otherEnd(words.next.get(point)!)];
    });
    rule = this.builder.rule('name', [
      ...taken,
      this.freeEnd(points),
      ...(words.isWord ? [] : [[literal('"')]]),
    ]);
    this.others.set(words.id, rule);
    return rule;
  }

  /** What ends a text that goes on with none of `points`. */
  private freeEnd(points: readonly number[]): Alternative {
    const key = points.join();
    let end = this.freeEnds.get(key);
    if (!end) {
      const free = complement(codePoints(points.map((point) => [point, point] as const)));
      const any = this.character(ANY_CHARACTER);
      const more = this.builder.repeat('char', any, 0, Number.POSITIVE_INFINITY);
      end = [this.character(free), ...more, literal('"')];
      this.freeEnds.set(key, end);
    }
    return end;
  }

  /** A JSON string in the language, or undefined where there is none. @throws TooManyStates */
  string(hint: string, term: Term, lengths: Lengths = ANY_LENGTH): number | undefined {
    const key = `${term.id} ${lengths.min} ${lengths.max}`;
    if (!this.texts.has(key)) {
      const automaton = ofLength(automatonOf(this.moves, term, MAX_STATES), lengths, MAX_COUNTED);
      const inside = this.states(hint, automaton, () => [literal('"')], true);
      this.texts.set(
        key,
        inside === undefined ? undefined : this.builder.rule(hint, [[literal('"'), inside]]),
      );
    }
    return this.texts.get(key);
  }

  /**
   * A JSON string in the language and what comes behind it: `endOf` one of a kind, kinds being told apart by the parts
   * that admit it. Undefined where there is none. @throws TooManyStates
   */
  kinds(
    hint: string,
    { term, parts, kindOf }: Kinds,
    endOf: (kind: number) => Alternative,
  ): number | undefined {
    const automaton = classify(this.moves, term, parts, kindOf, MAX_STATES);
    const ends = new Map<number, Alternative>();
    const quoted = (kind: number): Alternative => {
      let end = ends.get(kind);
      if (!end) {
        end = [this.builder.rule(`${hint}-end`, [[literal('"'), ...endOf(kind)]])];
        ends.set(kind, end);
      }
      return end;
    };
    const inside = this.states(hint, automaton, quoted, true);
    return inside === undefined ? undefined : this.builder.rule(hint, [[literal('"'), inside]]);
  }

  /** A text in the language as it stands: a number, for instance. @throws TooManyStates */
  plain(hint: string, term: Term): number | undefined {
    return this.states(hint, automatonOf(this.moves, term, MAX_STATES), () => [], false);
  }

  /** @param endOf what stands behind a text of a kind. */
  private states(
    hint: string,
    automaton: Automaton,
    endOf: (kind: number) => Alternative,
    isString: boolean,
  ): number | undefined {
    if (automaton.length === 0) return undefined;
    const rules = automaton.map(() => -1);
    const ruleOf = (state: number): number => {
      if (rules[state] === -1) {
        rules[state] = this.builder.declare(hint);
        todo.push(state);
      }
      return rules[state]!;
    };
    const todo: number[] = [];
    const first = ruleOf(0);
    for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
      const alternatives = automaton[state]!.moves.map(({ set, target }): Alternative => {
        const { text, last } = straight(automaton, set, target);
        const head = text === '' ? this.move(set, isString) : literal(text);
        const { kind, moves } = automaton[last]!;
        return moves.length === 0 ? [head, ...endOf(kind!)] : [head, ruleOf(last)];
      });
      const { kind } = automaton[state]!;
      if (kind !== undefined) alternatives.push(endOf(kind));
      this.builder.define(rules[state]!, alternatives);
    }
    return first;
  }

  private move(set: CodePoints, isString: boolean): string | number {
    if (!isString || isPlain(set)) return bracketed(set);
    return this.character(set);
  }
}

/** The text that has to follow from a move on, while one plain character leads to one state. */
function straight(
  automaton: Automaton,
  set: CodePoints,
  target: number,
): { text: string; last: number } {
  let text = plainCharacter(set);
  let last = target;
  while (text !== '') {
    const { kind, moves } = automaton[last]!;
    const next = moves.length === 1 && kind === undefined ? plainCharacter(moves[0]!.set) : '';
    if (next === '' || text.length > 200) break;
    text += next;
    last = moves[0]!.target;
  }
  return { text, last };
}

function plainCharacter(set: CodePoints): string {
  const [from, to] = set[0]!;
  const isOne = set.length === 1 && from === to;
  return isOne && isPlain(set) ? String.fromCodePoint(from) : '';
}

/** Whether all characters are ASCII that stands as itself in a JSON string. */
function isPlain(set: CodePoints): boolean {
  if (set.at(-1)![1] > 0x7e) return false;
  return set.every(([from, to]) => PLAIN_ASCII.some((range) => from >= range[0] && to <= range[1]));
}
