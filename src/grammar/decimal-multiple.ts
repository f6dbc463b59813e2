/**
 * Reads the digits of an unsigned decimal number and says whether it is a multiple of another: the state is the
 * remainder so far. Digits behind the places that the divisor has must be zeros. One object per state, immutable.
 */
import { decimalOf } from './decimal.js';

export const MAX_DIVISOR = 2_000;
export const MAX_PLACES = 7;
const ZERO = 0x30;
const POINT = 0x2e;

export class DecimalMultiple {
  /**
   * @param divisor of the number times 10^places, an integer.
   * @param read fraction digits read so far, -1 before the point.
   */
  constructor(
    readonly divisor: number,
    readonly places: number,
    readonly remainder = 0,
    readonly read = -1,
  ) {}

  isMultiple(): boolean {
    let value = this.remainder;
    for (let i = Math.max(0, this.read); i < this.places; i++) value = (value * 10) % this.divisor;
    return value === 0;
  }

  after(point: number): DecimalMultiple | undefined {
    if (point === POINT && this.read < 0) return this.next(this.remainder, 0);
    const digit = point - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    if (this.read >= this.places) return digit === 0 ? this : undefined;
    const remainder = (this.remainder * 10 + digit) % this.divisor;
    return this.next(remainder, this.read < 0 ? -1 : this.read + 1);
  }

  private next(remainder: number, read: number): DecimalMultiple {
    return new DecimalMultiple(this.divisor, this.places, remainder, read);
  }
}

export function multipleKey({ divisor, places, remainder, read }: DecimalMultiple): string {
  return `%${divisor},${places},${remainder},${read}`;
}

/** The state before the first digit; undefined for a divisor of too many digits. Decimal, as people read it: 0.29 is a
 *  multiple of 0.01, though a division of doubles leaves something. */
export function multipleOf(divisor: number): DecimalMultiple | undefined {
  const { whole, fraction } = decimalOf(divisor);
  const scaled = Number(whole + fraction);
  if (fraction.length > MAX_PLACES || scaled > MAX_DIVISOR) return undefined;
  return new DecimalMultiple(scaled, fraction.length);
}

export function isMultipleOf(value: number, divisor: number): boolean {
  const { whole, fraction } = decimalOf(value);
  let state = multipleOf(divisor);
  if (!state) return Number.isInteger(value / divisor);
  for (const char of fraction ? `${whole}.${fraction}` : whole)
    state = state?.after(char.charCodeAt(0));
  return state?.isMultiple() ?? false;
}
