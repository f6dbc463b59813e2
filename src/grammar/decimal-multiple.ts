/**
 * Reads the digits of an unsigned decimal number and says whether it is a multiple of another: the state is the
 * remainder so far. Digits behind the places that the divisor has must be zeros. One object per state, immutable.
 */
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
