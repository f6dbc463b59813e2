/**
 * ECMA-262 regular expressions to terms: the language of all texts in which the pattern is found, by code points (as
 * with the flag u), and with the escapes that are valid only without it. Refused, by NotRegular: look-arounds that are
 * repeated and tell more than one character, word boundaries, back references, flags, and what is no regular expression
 * at all.
 */
import type { Term, TermPool } from './language.js';
import { CharacterReader, NO_LINE_END, NotRegular } from './regexp-characters.js';

const LOOKS = ['=', '!', '<=', '<!'];
const MAX_NAME = 100;
const MAX_DEPTH = 100;
const MAX_REPEAT = 10_000;

/** All texts in which `source` is found. @throws NotRegular */
export function searchTerm(pool: TermPool, source: string): Term {
  // Where something looks back, it looks at all that comes before.
  const looksBack = /\(\?<[=!]/.test(source);
  const part = new RegExpReader(pool, source, looksBack ? pool.anything : pool.empty).read();
  const term = before(pool, part, pool.anything);
  return looksBack ? term : pool.pair(pool.anything, term);
}

/** The texts that `source`, which has no anchors, is all of. @throws NotRegular */
export function wholeTerm(pool: TermPool, source: string): Term {
  return before(pool, new RegExpReader(pool, source, pool.empty).read(), pool.empty);
}

/** What a part of a pattern is: where it looks ahead, it depends on all that follows, up to the end of the text. */
type Part = Term | ((rest: Term) => Term);

function before(pool: TermPool, part: Part, rest: Term): Term {
  return typeof part === 'function' ? part(rest) : pool.pair(part, rest);
}

/** A look at what follows, or at what stands before. */
class Look {
  constructor(
    readonly isBehind: boolean,
    readonly isNegated: boolean,
    readonly part: Part,
  ) {}
}

class RegExpReader extends CharacterReader {
  private depth = 0;

  constructor(
    private readonly pool: TermPool,
    source: string,
    /** What comes before each of its alternatives. */
    private readonly lead: Term,
  ) {
    super(source);
  }

  read(): Part {
    const part = this.alternatives();
    if (this.at < this.chars.length) throw new NotRegular('a ")" that closes nothing');
    return part;
  }

  private alternatives(): Part {
    if (++this.depth > MAX_DEPTH) throw new NotRegular(`groups nested deeper than ${MAX_DEPTH}`);
    const parts = [this.sequence()];
    while (this.take('|')) parts.push(this.sequence());
    this.depth--;
    const { pool } = this;
    if (parts.every(isTerm)) return pool.choice(...parts);
    return (rest) => pool.choice(...parts.map((part) => before(pool, part, rest)));
  }

  private sequence(): Part {
    const parts: (Part | Look)[] = this.depth === 1 ? [this.lead] : [];
    while (this.at < this.chars.length && !this.ahead('|') && !this.ahead(')')) {
      const atom = this.atom();
      if (!(atom instanceof Look)) parts.push(this.quantified(atom));
      else if (this.quantifier()) throw new NotRegular('a repetition of a look-around');
      else if (atom.isBehind) this.lookBehind(parts, atom);
      else parts.push(atom);
    }
    const { pool } = this;
    return parts.reduceRight<Part>((tail, part) => {
      if (part instanceof Look) return this.lookAhead(part, tail);
      if (typeof part !== 'function' && typeof tail !== 'function') return pool.pair(part, tail);
      return (rest) => before(pool, part, before(pool, tail, rest));
    }, pool.empty);
  }

  /** What follows is also so, or is not; `tail` is of the same group. */
  private lookAhead({ part, isNegated }: Look, tail: Part): Part {
    const { pool } = this;
    const seen = before(pool, part, pool.anything);
    const asked = isNegated ? pool.not(seen) : seen;
    // One character tells, and there is one in the group.
    if (isTerm(tail) && tail.nullable === 0 && isTerm(part) && part.kind === 'set')
      return pool.both(asked, tail);
    return (rest) => pool.both(asked, before(pool, tail, rest));
  }

  /** What stands before is also so, or is not: the parts of the group, or all where there is no other. */
  private lookBehind(parts: (Part | Look)[], { part, isNegated }: Look): void {
    const { pool } = this;
    if (!isTerm(part)) throw new NotRegular('a look-around in another one');
    const first = parts.findLastIndex((each) => each instanceof Look || !isTerm(each)) + 1;
    const behind = pool.sequence(...(parts.splice(first) as Term[]));
    if (part.kind !== 'set' || behind.nullable !== 0) {
      if (first > 0 || this.depth > 1) throw new NotRegular('a look-behind within a group');
    }
    const seen = pool.pair(pool.anything, part);
    parts.push(pool.both(behind, isNegated ? pool.not(seen) : seen));
  }

  private quantified(part: Part): Part {
    const bounds = this.quantifier();
    if (!bounds) return part;
    this.take('?'); // lazy or not, the language is the same
    if (bounds.max < bounds.min) throw new NotRegular('a repetition whose bounds are out of order');
    if (
      bounds.min > MAX_REPEAT ||
      (bounds.max > MAX_REPEAT && bounds.max !== Number.POSITIVE_INFINITY)
    )
      throw new NotRegular(`a repetition above ${MAX_REPEAT}`);
    if (this.quantifier()) throw new NotRegular('a repetition of a repetition');
    const { pool } = this;
    if (isTerm(part)) return pool.repeat(part, bounds.min, bounds.max);
    if (bounds.max > 1) throw new NotRegular('a look-around in a repetition');
    if (bounds.max === 0) return pool.empty;
    return bounds.min === 1 ? part : (rest) => pool.choice(part(rest), rest);
  }

  private quantifier(): { min: number; max: number } | undefined {
    if (this.take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.take('?')) return { min: 0, max: 1 };
    if (!this.ahead('{')) return undefined;
    const found = /^\{(\d+)(,(\d*))?\}/.exec(this.chars.slice(this.at, this.at + 32).join(''));
    if (!found) return undefined; // a brace that is a character
    this.at += found[0].length;
    const min = Number(found[1]);
    if (!found[2]) return { min, max: min };
    return { min, max: found[3] ? Number(found[3]) : Number.POSITIVE_INFINITY };
  }

  private atom(): Part | Look {
    const char = this.chars[this.at++]!;
    switch (char) {
      case '^':
      case '$':
        return this.anchor(char === '^');
      case '(':
        return this.group();
      case '.':
        return this.pool.set(NO_LINE_END);
      case '[':
        return this.pool.set(this.characterClass());
      case '\\':
        return this.pool.set(this.escape(false));
      case '*':
      case '+':
      case '?':
        throw new NotRegular('a repetition of nothing');
      default:
        return this.pool.character(char.codePointAt(0)!);
    }
  }

  private anchor(isStart: boolean): Term {
    if (this.quantifier()) throw new NotRegular('a repetition of an anchor');
    return isStart ? this.pool.start : this.pool.end;
  }

  private group(): Part | Look {
    let look: string | undefined;
    if (this.take('?')) {
      const ahead = this.chars.slice(this.at, this.at + MAX_NAME).join('');
      const named = /^<[\p{L}_$][\p{L}\p{N}_$]*>/u.exec(ahead);
      if (named) this.at += Array.from(named[0]).length;
      else look = LOOKS.find((sign) => this.take(sign));
      if (!named && !look && !this.take(':')) throw new NotRegular('a group with flags');
    }
    const part = this.alternatives();
    if (!this.take(')')) throw new NotRegular('a group that is not closed');
    return look ? new Look(look.startsWith('<'), look.endsWith('!'), part) : part;
  }
}

function isTerm(part: Part | Look): part is Term {
  return typeof part !== 'function' && !(part instanceof Look);
}
