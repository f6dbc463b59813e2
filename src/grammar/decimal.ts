/** Finite doubles as decimal digits without an exponent: the shortest that read back as the same double. */
export interface Decimal {
  readonly isNegative: boolean;
  /** Digits before the point, without leading zeros ("0" for none). */
  readonly whole: string;
  /** Digits behind the point, without zeros at the end. */
  readonly fraction: string;
}

export function decimalOf(value: number): Decimal {
  const [mantissa, exponent] = Math.abs(value).toExponential().split('e') as [string, string];
  const digits = mantissa.replace('.', '');
  const point = 1 + Number(exponent);
  const padded = digits.padEnd(point, '0');
  const whole = point > 0 ? padded.slice(0, point) : '0';
  const fraction = point > 0 ? padded.slice(point) : '0'.repeat(-point) + digits;
  return {
    isNegative: value < 0,
    whole: whole.replace(/^0+(?=\d)/, ''),
    fraction: fraction.replace(/0+$/, ''),
  };
}

/** Whether the double is exactly its decimal digits, so that arithmetic on the digits and on doubles agree. */
export function isExactDecimal(value: number): boolean {
  // A decimal with k places is a binary fraction only when it is a multiple of 2^-k.
  const places = decimalOf(value).fraction.length;
  return places <= 30 && Number.isInteger(value * 2 ** places);
}
