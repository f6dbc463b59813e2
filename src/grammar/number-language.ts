/**
 * Numbers as text: the language of all JSON numbers without exponent that keep what number-facts.ts knows. Digits
 * are bounded so that no text reads back as Infinity, or as a double on the other side of an exclusive bound.
 */
import type { CodePoints } from './code-points.js';
import { type Decimal, decimalOf, isExactDecimal } from './decimal.js';
import {
  DecimalMultiple,
  divisorOf,
  isMultipleOf,
  joined,
  MAX_DIVISOR,
  MAX_PLACES,
} from './decimal-multiple.js';
import type { Term, TermPool } from './language.js';
import { keptValues, type NumberFacts } from './number-facts.js';

/** Digits before the point, and zeros behind it before anything else. */
const MAX_WHOLE = 32;
const MAX_ZEROS = 40;
/** Decimals of so many digits are told apart by doubles. */
const SAFE_DIGITS = 15;
/** How many of those may stand before the point. */
const SAFE_WHOLE = 8;
/** Each digit of a multiple takes as many states as its divisor tells remainders apart: of many, fewer digits. */
const MANY_CLASSES = 30;
const FEWER_DIGITS = 10;

/** @throws NumberNotSayable */
export class NumberNotSayable extends Error {
  constructor(
    readonly keyword: string,
    message: string,
  ) {
    super(message);
  }
}

export function numberTerm(pool: TermPool, facts: NumberFacts): Term {
  return new NumberWriter(pool).write(facts);
}

class NumberWriter {
  private readonly digit: Term;
  private readonly nonZero: Term;
  private readonly digits: Term;

  constructor(private readonly pool: TermPool) {
    this.digit = this.range('0', '9');
    this.nonZero = this.range('1', '9');
    this.digits = pool.repeat(this.digit, 0, Number.POSITIVE_INFINITY);
  }

  write(facts: NumberFacts): Term {
    const { pool } = this;
    const { multiplesOf, notMultiplesOf } = facts;
    if (notMultiplesOf.some((not) => multiplesOf.some((number) => isMultipleOf(number, not))))
      return pool.nothing;
    if (facts.values) {
      return pool.choice(...keptValues(facts, facts.values).map((value) => this.texts(value)));
    }
    const all = pool.choice(this.unsigned(facts), this.negative(facts));
    return pool.both(all, ...facts.notValues.map((value) => pool.not(this.equal(value))));
  }

  private range(from: string, to: string): Term {
    const set: CodePoints = [[from.charCodeAt(0), to.charCodeAt(0)]];
    return from <= to ? this.pool.set(set) : this.pool.nothing;
  }

  /** A value of an enum: as JSON.stringify writes it and as others do. */
  private texts(value: number): Term {
    const { pool } = this;
    const { isNegative, whole, fraction } = decimalOf(value);
    const sign = isNegative ? '-' : '';
    const plain =
      whole.length <= MAX_WHOLE && fraction.length <= MAX_ZEROS
        ? pool.text(sign + whole + (fraction ? `.${fraction}` : ''))
        : pool.nothing;
    return pool.choice(
      pool.text(JSON.stringify(value)),
      // Python has two digits in an exponent.
      pool.text(JSON.stringify(value).replace(/e([+-])(\d)$/, 'e$10$2')),
      plain,
      fraction || whole.length > MAX_WHOLE ? pool.nothing : pool.text(`${sign}${whole}.0`),
    );
  }

  /** Every text of the value in the forms that `write` gives. */
  private equal(value: number): Term {
    const { pool } = this;
    const { isNegative, whole, fraction } = decimalOf(value);
    const zeros = pool.repeat(pool.text('0'), 0, Number.POSITIVE_INFINITY);
    const sign = pool.text(isNegative ? '-' : '');
    const point = pool.text('.');
    const behind = fraction
      ? pool.sequence(point, pool.text(fraction), zeros)
      : pool.choice(pool.empty, pool.sequence(point, zeros));
    return pool.sequence(sign, pool.text(whole), behind);
  }

  private whole(digits = MAX_WHOLE): Term {
    const { pool } = this;
    return pool.choice(
      pool.text('0'),
      pool.sequence(this.nonZero, pool.repeat(this.digit, 0, digits - 1)),
    );
  }

  private fraction(digits = this.digits): Term {
    return this.pool.sequence(
      this.pool.text('.'),
      this.pool.both(digits, this.pool.repeat(this.digit, 1, Number.POSITIVE_INFINITY)),
    );
  }

  private optional(term: Term): Term {
    return this.pool.choice(this.pool.empty, term);
  }

  private unsigned(facts: NumberFacts): Term {
    if (facts.most < 0) return this.pool.nothing;
    const lower = facts.least >= 0 ? this.above(facts.least, facts.isAboveLeast) : undefined;
    return this.magnitudes(facts, lower, this.below(facts.most, facts.isBelowMost));
  }

  /** Minus zero is left out. */
  private negative(facts: NumberFacts): Term {
    if (facts.least >= 0) return this.pool.nothing;
    const isBelowZero = facts.most >= 0;
    const lower = this.above(isBelowZero ? 0 : -facts.most, isBelowZero || facts.isBelowMost);
    const upper = this.below(-facts.least, facts.isAboveLeast);
    return this.pool.sequence(this.pool.text('-'), this.magnitudes(facts, lower, upper));
  }

  private magnitudes(facts: NumberFacts, lower: Term | undefined, upper: Term | undefined): Term {
    const { pool } = this;
    const isExact = isToldApart(facts);
    const multiples = this.multiples(facts.multiplesOf, 'multipleOf');
    const notMultiples = this.multiples(facts.notMultiplesOf, 'not');
    const classes = [...multiples, ...notMultiples].reduce((all, each) => all * each.classes, 1);
    const digits = classes > MANY_CLASSES ? FEWER_DIGITS : SAFE_DIGITS;
    const safe = facts.isInteger ? digits : SAFE_WHOLE;
    const whole = this.whole(isExact ? safe : MAX_WHOLE);
    const fraction = this.fraction(this.fractionDigits(facts, isExact));
    const form = facts.isInteger ? whole : pool.sequence(whole, this.optional(fraction));
    const isWhole = pool.sequence(
      this.whole(),
      this.optional(
        pool.sequence(pool.text('.'), pool.repeat(pool.text('0'), 1, Number.POSITIVE_INFINITY)),
      ),
    );
    return pool.both(
      form,
      lower ?? pool.anything,
      upper ?? pool.anything,
      facts.isFraction ? pool.not(isWhole) : pool.anything,
      ...multiples.map((each) => pool.multiple(each)),
      ...notMultiples.map((each) => pool.not(pool.multiple(each))),
    );
  }

  /** Fewer where more could round to an exclusive bound, or to a value that is left out. */
  private fractionDigits(facts: NumberFacts, isExact: boolean): Term {
    const { least, isAboveLeast, most, isBelowMost } = facts;
    const exclusive = [...(isAboveLeast ? [least] : []), ...(isBelowMost ? [most] : [])];
    const bounds = exclusive.filter((bound) => bound !== 0 && Number.isFinite(bound));
    const lengths = bounds.map((bound) => decimalOf(bound).whole.length);
    if (isExact) lengths.push(SAFE_WHOLE);
    if (lengths.length === 0) return this.digits;
    return this.pool.repeat(this.digit, 0, Math.max(1, SAFE_DIGITS - Math.max(...lengths)));
  }

  private multiples(numbers: readonly number[], keyword: 'multipleOf' | 'not'): DecimalMultiple[] {
    const divisors = numbers.map((number) => {
      const divisor = divisorOf(number);
      if (!divisor)
        throw new NumberNotSayable(
          keyword,
          `multiples of ${number} cannot be said: a divisor has up to ${MAX_PLACES} decimals, and without its point it is at most ${MAX_DIVISOR}`,
        );
      // What is none to decimals may be none to doubles, and the other way round.
      if (keyword === 'not' && !isExactDecimal(number))
        throw new NumberNotSayable(
          keyword,
          `the opposite of a multiple of ${number} cannot be said: a divisor has to be a sum of halves (2, 0.5, 0.25, …)`,
        );
      return divisor;
    });
    const kept = keyword === 'not' ? divisors : joined(divisors);
    return kept.map((divisor) => DecimalMultiple.of(divisor));
  }

  /** Unsigned texts of values >= bound, or > bound. */
  private above(bound: number, isStrict: boolean): Term {
    const { pool } = this;
    const { whole, fraction } = decimalOf(bound);
    const anyFraction = this.optional(this.fraction());
    const larger = pool.sequence(this.largerWhole(whole), anyFraction);
    return pool.choice(
      larger,
      pool.sequence(pool.text(whole), this.fractionAbove(fraction, isStrict)),
    );
  }

  private largerWhole(whole: string): Term {
    const { pool } = this;
    const longer = pool.sequence(
      this.nonZero,
      pool.repeat(this.digit, whole.length, MAX_WHOLE - 1),
    );
    const sameLength = Array.from(whole, (char, i) => {
      const next = String.fromCharCode(char.charCodeAt(0) + 1);
      const larger = next > '9' ? pool.nothing : this.range(next, '9');
      return pool.sequence(
        pool.text(whole.slice(0, i)),
        larger,
        pool.repeat(this.digit, whole.length - i - 1, whole.length - i - 1),
      );
    });
    return pool.choice(longer, ...sameLength);
  }

  private fractionAbove(fraction: string, isStrict: boolean): Term {
    const { pool } = this;
    // So many zeros and no more: a smaller number could read back as zero.
    const zeros = pool.repeat(pool.text('0'), 0, MAX_ZEROS);
    const isSome = pool.sequence(zeros, this.nonZero, this.digits);
    if (!fraction) {
      return isStrict
        ? pool.sequence(pool.text('.'), isSome)
        : this.optional(pool.sequence(pool.text('.'), this.digits));
    }
    const equal = pool.sequence(pool.text(fraction), isStrict ? isSome : this.digits);
    const larger = Array.from(fraction, (char, i) => {
      const next = String.fromCharCode(char.charCodeAt(0) + 1);
      const digit = next > '9' ? pool.nothing : this.range(next, '9');
      return pool.sequence(pool.text(fraction.slice(0, i)), digit, this.digits);
    });
    return pool.sequence(pool.text('.'), pool.choice(equal, ...larger));
  }

  /** Unsigned texts of values <= bound, or < bound. */
  private below(bound: number, isStrict: boolean): Term | undefined {
    if (bound === Number.POSITIVE_INFINITY) return undefined;
    const { pool } = this;
    const { whole, fraction }: Decimal = decimalOf(bound);
    const anyFraction = this.optional(this.fraction());
    return pool.choice(
      pool.sequence(this.smallerWhole(whole), anyFraction),
      pool.sequence(pool.text(whole), this.fractionBelow(fraction, isStrict)),
    );
  }

  private smallerWhole(whole: string): Term {
    const { pool } = this;
    if (whole === '0') return pool.nothing;
    const shorter =
      whole.length > 1
        ? pool.choice(
            pool.text('0'),
            pool.sequence(this.nonZero, pool.repeat(this.digit, 0, whole.length - 2)),
          )
        : pool.text('0');
    const sameLength = Array.from(whole, (char, i) => {
      const before = String.fromCharCode(char.charCodeAt(0) - 1);
      const lowest = i === 0 ? '1' : '0';
      return pool.sequence(
        pool.text(whole.slice(0, i)),
        before < lowest ? pool.nothing : this.range(lowest, before),
        pool.repeat(this.digit, whole.length - i - 1, whole.length - i - 1),
      );
    });
    return pool.choice(shorter, ...sameLength);
  }

  private fractionBelow(fraction: string, isStrict: boolean): Term {
    const { pool } = this;
    const zeros = pool.repeat(pool.text('0'), 0, Number.POSITIVE_INFINITY);
    const point = pool.text('.');
    if (!fraction) {
      return isStrict ? pool.nothing : this.optional(pool.sequence(point, zeros));
    }
    const smaller = Array.from(fraction, (char, i) => {
      const before = String.fromCharCode(char.charCodeAt(0) - 1);
      const digit = before < '0' ? pool.nothing : this.range('0', before);
      return pool.sequence(pool.text(fraction.slice(0, i)), digit, this.digits);
    });
    const prefixes = Array.from(fraction, (_, i) => pool.text(fraction.slice(0, i)));
    const equal = isStrict ? pool.nothing : pool.sequence(pool.text(fraction), zeros);
    const behind = pool.sequence(point, pool.choice(equal, ...smaller, ...prefixes));
    return pool.choice(pool.empty, behind);
  }
}

/** Whether a number that rounds to another one could be taken for it. */
function isToldApart(facts: NumberFacts): boolean {
  const { multiplesOf, notMultiplesOf, notValues, isFraction } = facts;
  return isFraction || multiplesOf.length + notMultiplesOf.length + notValues.length > 0;
}
