/**
 * Reads the digits of an unsigned decimal number and says whether it is a multiple of another: the state is the
 * remainder so far. Digits behind the places that the divisor has must be zeros. Immutable.
 */
import { decimalOf } from './decimal.js';

export const MAX_DIVISOR = 2_000;
export const MAX_PLACES = 7;
const ZERO = 0x30;
const POINT = 0x2e;

/** What the number is divided by: `value` divided by 10^places. */
interface Divisor {
  readonly value: number;
  readonly places: number;
}

export class DecimalMultiple {
  /**
   * @param alike for each remainder the least that the same digits make a multiple of.
   * @param read fraction digits read so far, -1 before the point.
   */
  private constructor(
    readonly divisor: Divisor,
    private readonly alike: readonly number[],
    private readonly remainder: number,
    private readonly read: number,
  ) {}

  /** Before the first digit. */
  static of(divisor: Divisor): DecimalMultiple {
    return new DecimalMultiple(divisor, alikeRemainders(divisor.value), 0, -1);
  }

  /** How many remainders are told apart. */
  get classes(): number {
    return new Set(this.alike).size;
  }

  get key(): string {
    const { value, places } = this.divisor;
    return `%${value},${places},${this.remainder},${this.read}`;
  }

  isMultiple(): boolean {
    const { value, places } = this.divisor;
    let rest = this.remainder;
    for (let i = Math.max(0, this.read); i < places; i++) rest = (rest * 10) % value;
    return rest === 0;
  }

  after(point: number): DecimalMultiple | undefined {
    if (point === POINT && this.read < 0) return this.next(this.remainder, 0);
    const digit = point - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    const { value, places } = this.divisor;
    if (this.read >= places) return digit === 0 ? this : undefined;
    const remainder = (this.remainder * 10 + digit) % value;
    return this.next(this.alike[remainder]!, this.read < 0 ? -1 : this.read + 1);
  }

  private next(remainder: number, read: number): DecimalMultiple {
    return new DecimalMultiple(this.divisor, this.alike, remainder, read);
  }
}

/**
 * By how many digits make a multiple of a remainder, and which: of 1000 nothing but the zeros at the end counts. Once
 * there are as many numbers of so many digits as remainders, more digits tell no more apart.
 */
function alikeRemainders(divisor: number): number[] {
  const first = new Map<string, number>();
  return Array.from({ length: divisor }, (_, remainder) => {
    let key = '';
    let rest = remainder;
    for (let power = 1; ; power *= 10) {
      const missing = (divisor - rest) % divisor;
      if (missing < power) key += `${power}:${missing},`;
      if (power >= divisor) break;
      rest = (rest * 10) % divisor;
    }
    if (!first.has(key)) first.set(key, remainder);
    return first.get(key)!;
  });
}

/** Undefined for a divisor of too many digits. Decimal, as people read it: 0.29 is a multiple of 0.01, though a
 *  division of doubles leaves something. */
export function divisorOf(number: number): Divisor | undefined {
  const { whole, fraction } = decimalOf(number);
  return sayable({ value: Number(whole + fraction), places: fraction.length });
}

function sayable(divisor: Divisor): Divisor | undefined {
  return divisor.places > MAX_PLACES || divisor.value > MAX_DIVISOR ? undefined : divisor;
}

/** Fewer divisors that together have the same multiples. */
export function joined(divisors: readonly Divisor[]): Divisor[] {
  const kept: Divisor[] = [];
  for (const divisor of divisors) {
    const last = kept.at(-1);
    const common = last && sayable(leastCommon(last, divisor));
    if (common) kept[kept.length - 1] = common;
    else kept.push(divisor);
  }
  return kept;
}

function leastCommon(a: Divisor, b: Divisor): Divisor {
  const places = Math.max(a.places, b.places);
  const one = a.value * 10 ** (places - a.places);
  const other = b.value * 10 ** (places - b.places);
  let [large, small] = [one, other];
  while (small > 0) [large, small] = [small, large % small];
  return { value: (one / large) * other, places };
}

export function isMultipleOf(number: number, of: number): boolean {
  const divisor = divisorOf(of);
  if (!divisor) return Number.isInteger(number / of);
  const { whole, fraction } = decimalOf(number);
  const places = Math.max(fraction.length, divisor.places);
  const scale = 10n ** BigInt(places - divisor.places);
  return BigInt(whole + fraction.padEnd(places, '0')) % (BigInt(divisor.value) * scale) === 0n;
}
