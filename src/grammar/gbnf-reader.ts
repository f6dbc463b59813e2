/**
 * Reads GBNF as llama.cpp v0.5.0 does (src/llama-grammar.cpp, llama_grammar_parser), as far as telling whether it is
 * sound needs: rules, what follows what, what repeats. Everything that its parser would refuse, and what would cost it
 * the process, is an error with line and column here. Token references are refused: they mean one model.
 */
export interface GrammarText {
  readonly rules: ReadonlyMap<string, readonly Sequence[]>;
}

export type Sequence = readonly Item[];

export type Item =
  | { readonly kind: 'characters'; readonly at: number }
  | { readonly kind: 'rule'; readonly name: string; readonly at: number }
  | {
      readonly kind: 'repeat';
      readonly item: Item;
      readonly min: number;
      readonly max: number;
      readonly at: number;
    };

export class GrammarFault extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

const MAX_LENGTH = 2_000_000;
const MAX_DEPTH = 100;
/** llama.cpp's MAX_REPETITION_THRESHOLD, which also bounds the rules that a repetition makes. */
const MAX_REPETITIONS = 2_000;
const MAX_ELEMENTS = 600_000;
const WORD = /[A-Za-z0-9-]/;
const ESCAPES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** What a part of a rule costs llama.cpp once it is written out. */
interface Part {
  item: Item;
  elements: number;
  rules: number;
}

export function readGrammar(text: string): GrammarText {
  return new GrammarReader(text).read();
}

class GrammarReader {
  private at = 0;
  private depth = 0;
  private groups = 0;
  private elements = 0;
  private readonly rules = new Map<string, readonly Sequence[]>();

  constructor(private readonly text: string) {}

  read(): GrammarText {
    if (this.text.length > MAX_LENGTH)
      throw new GrammarFault(0, `it is longer than ${MAX_LENGTH} characters`);
    const nul = this.text.indexOf('\0');
    if (nul >= 0) throw new GrammarFault(nul, 'a NUL character ends it here');
    this.space(true);
    while (this.at < this.text.length) this.rule();
    return { rules: this.rules };
  }

  private get char(): string {
    return this.text[this.at] ?? '';
  }

  private fail(message: string, at = this.at): never {
    throw new GrammarFault(at, message);
  }

  private space(isOverLines: boolean): void {
    const blank = isOverLines ? /[ \t\r\n]/ : /[ \t]/;
    for (;;) {
      if (this.char === '#') this.comment();
      else if (blank.test(this.char)) this.at++;
      else return;
    }
  }

  private comment(): void {
    while (this.char !== '' && !/[\r\n]/.test(this.char)) this.at++;
  }

  private name(): string {
    const start = this.at;
    while (WORD.test(this.char)) this.at++;
    if (this.at === start) this.fail('a name of a rule is missing');
    return this.text.slice(start, this.at);
  }

  private rule(): void {
    const start = this.at;
    const name = this.name();
    this.space(false);
    if (!this.text.startsWith('::=', this.at)) this.fail('"::=" is missing');
    this.at += 3;
    this.space(true);
    if (this.rules.has(name)) this.fail(`the rule "${name}" is there twice`, start);
    this.rules.set(name, this.alternatives(false).sequences);
    if (this.char !== '' && !/[\r\n]/.test(this.char))
      this.fail(`"${this.char}" means nothing here`);
    this.space(true);
  }

  private alternatives(isNested: boolean): { sequences: Sequence[]; rules: number } {
    const sequences: Sequence[] = [];
    let rules = 1;
    for (;;) {
      const parts = this.sequence(isNested);
      sequences.push(parts.map(({ item }) => item));
      for (const part of parts) {
        this.elements += part.elements;
        rules += part.rules - 1;
      }
      if (this.elements > MAX_ELEMENTS)
        this.fail('it is too large once its repetitions are written out');
      if (this.char !== '|') return { sequences, rules };
      this.at++;
      this.space(true);
    }
  }

  private sequence(isNested: boolean): Part[] {
    const parts: Part[] = [];
    while (/["[(.*+?{<!A-Za-z0-9-]/.test(this.char)) {
      if (/[*+?{]/.test(this.char)) this.repeat(parts, isNested);
      else parts.push(this.part());
      this.space(isNested);
    }
    return parts;
  }

  private part(): Part {
    const at = this.at;
    if (this.char === '"') return this.characters(at, this.quoted());
    if (this.char === '[') return this.characters(at, this.bracketed());
    if (this.char === '(') return this.group();
    if (this.char === '.') {
      this.at++;
      return this.characters(at, 1);
    }
    if (this.char === '<' || this.char === '!')
      this.fail('tokens belong to one model; write their text');
    return { item: { kind: 'rule', name: this.name(), at }, elements: 1, rules: 1 };
  }

  private characters(at: number, count: number): Part {
    // An empty text is a part that repeats to nothing.
    const item: Item = { kind: 'characters', at };
    if (count > 0) return { item, elements: count, rules: 1 };
    return { item: { kind: 'repeat', item, min: 0, max: 0, at }, elements: 0, rules: 1 };
  }

  private quoted(): number {
    let count = 0;
    this.at++;
    while (this.char !== '"') {
      this.character();
      count++;
    }
    this.at++;
    return count;
  }

  private bracketed(): number {
    const start = this.at;
    let count = 0;
    this.at++;
    if (this.char === '^') this.at++;
    while (this.char !== ']') {
      const from = this.character();
      count++;
      if (this.char === '-' && this.text[this.at + 1] !== ']') {
        this.at++;
        if (this.character() < from) this.fail('a range is out of order');
        count++;
      }
    }
    this.at++;
    if (count === 0) this.fail('brackets without characters', start);
    return count;
  }

  private character(): number {
    if (this.char === '') this.fail('the grammar ends inside of characters');
    if (this.char !== '\\') {
      const point = this.text.codePointAt(this.at)!;
      this.at += point > 0xffff ? 2 : 1;
      return point;
    }
    const sign = this.text[this.at + 1] ?? '';
    const digits = Object.hasOwn(ESCAPES, sign) ? ESCAPES[sign]! : 0;
    const hex = this.text.slice(this.at + 2, this.at + 2 + digits);
    if (
      digits > 0 ? !/^[0-9a-fA-F]+$/.test(hex) || hex.length < digits : !/[trn\\"[\]-]/.test(sign)
    )
      this.fail(`"\\${sign}" is no escape`);
    this.at += 2 + digits;
    return digits > 0 ? Number.parseInt(hex, 16) : sign.charCodeAt(0);
  }

  private group(): Part {
    const at = this.at;
    if (++this.depth > MAX_DEPTH) this.fail(`groups are nested deeper than ${MAX_DEPTH}`);
    this.at++;
    this.space(true);
    const { sequences, rules } = this.alternatives(true);
    if (this.char !== ')') this.fail('")" is missing');
    this.at++;
    this.depth--;
    // No name of a user's rule has a space.
    const name = `group ${this.groups++}`;
    this.rules.set(name, sequences);
    return { item: { kind: 'rule', name, at }, elements: 1, rules: rules + 1 };
  }

  private repeat(parts: Part[], isNested: boolean): void {
    const at = this.at;
    const part = parts.pop();
    if (!part || part.elements === 0) this.fail(`"${this.char}" repeats nothing`);
    const [min, max] = this.bounds(isNested);
    const copies = Number.isFinite(max) ? Math.max(1, max) : Math.max(1, min);
    if (copies * part.rules > MAX_REPETITIONS)
      this.fail(`repetitions go to ${MAX_REPETITIONS}, and those within each other together`, at);
    if (max < min) this.fail('a repetition whose bounds are out of order', at);
    parts.push({
      item: { kind: 'repeat', item: part.item, min, max, at },
      elements: part.elements * (copies + 1) + 2 * copies,
      rules: part.rules * copies,
    });
  }

  private bounds(isNested: boolean): [number, number] {
    const sign = this.char;
    this.at++;
    if (sign === '*') return [0, Number.POSITIVE_INFINITY];
    if (sign === '+') return [1, Number.POSITIVE_INFINITY];
    if (sign === '?') return [0, 1];
    const number = (): number => {
      this.space(isNested);
      const start = this.at;
      while (/^\d$/.test(this.char)) this.at++;
      const digits = this.text.slice(start, this.at);
      this.space(isNested);
      // llama.cpp would read a larger upper bound as none.
      if (digits.length > 6 || Number(digits) > MAX_REPETITIONS)
        this.fail(`repetitions go to ${MAX_REPETITIONS}`, start);
      return digits === '' ? -1 : Number(digits);
    };
    const min = number();
    if (min < 0) this.fail('a number is missing');
    let max = min;
    if (this.char === ',') {
      this.at++;
      max = number();
      if (max < 0) max = Number.POSITIVE_INFINITY;
    }
    if (this.char !== '}') this.fail('"}" is missing');
    this.at++;
    return [min, max];
  }
}
