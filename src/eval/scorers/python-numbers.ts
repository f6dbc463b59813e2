/** Python's numbers in JavaScript: reading them from text, rounding them, writing them. */
import { DIGIT, strip } from './python-text.js';

const DIGITS = `${DIGIT}(?:_?${DIGIT})*`;
const INTEGER = new RegExp(`^[+\\-]?${DIGITS}$`, 'u');
const FLOAT = new RegExp(
  `^[+\\-]?(?:${DIGITS}\\.?|(?:${DIGITS})?\\.${DIGITS})(?:[eE][+\\-]?${DIGITS})?$`,
  'u',
);
const NOT_FINITE = /^([+-]?)(?:(inf|infinity)|nan)$/i;
const ANY_DIGIT = new RegExp(DIGIT, 'u');
const DIGITS_ONE_BY_ONE = new RegExp(DIGIT, 'gu');

/**
 * float(text): white space around it, single underscores between digits, digits of any script, inf and nan in any case.
 * undefined where Python raises ValueError.
 */
export function parseFloatLiteral(text: string): number | undefined {
  const trimmed = trimmedNumber(text);
  const special = NOT_FINITE.exec(trimmed);
  if (special) {
    if (!special[2]) return Number.NaN;
    return special[1] === '-' ? -Infinity : Infinity;
  }
  return FLOAT.test(trimmed) ? Number(plainDigits(trimmed)) : undefined;
}

/** int(text), as an exact integer; undefined where Python raises ValueError. */
export function parseInteger(text: string): bigint | undefined {
  const trimmed = trimmedNumber(text);
  if (!INTEGER.test(trimmed)) return undefined;
  const plain = plainDigits(trimmed);
  return plain.startsWith('-') ? -BigInt(plain.slice(1)) : BigInt(plain.replace('+', ''));
}

/** White space that str.strip removes, and float and int refuse. */
const SEPARATORS = ['\x1c', '\x1d', '\x1e', '\x1f'];

function trimmedNumber(text: string): string {
  return SEPARATORS.some((character) => text.includes(character)) ? text : strip(text);
}

function plainDigits(text: string): string {
  return text.replaceAll('_', '').replace(DIGITS_ONE_BY_ONE, digitValue);
}

/** Every script's digits stand in a row, zero first. */
function digitValue(digit: string): string {
  const code = digit.codePointAt(0)!;
  let start = code;
  while (ANY_DIGIT.test(String.fromCodePoint(start - 1))) start--;
  return String((code - start) % 10);
}

/**
 * round(value, digits): of the double as it is in binary, exact halves to the even neighbour.
 * JavaScript's toFixed agrees but for the halves.
 */
export function round(value: number, digits = 0): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const { numerator, denominator } = ratio(Math.abs(value));
  const scaled = digits < 0 ? numerator : numerator * 10n ** BigInt(digits);
  const unit = digits < 0 ? denominator * 10n ** BigInt(-digits) : denominator;
  let whole = scaled / unit;
  const twice = (scaled % unit) * 2n;
  if (twice > unit || (twice === unit && whole % 2n === 1n)) whole++;
  const rounded = Number(`${whole}e${-digits}`);
  return value < 0 ? -rounded : rounded;
}

/** A finite double above zero as the fraction that it is. */
function ratio(value: number): { numerator: bigint; denominator: bigint } {
  let exponent = 0;
  let mantissa = value;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent++;
  }
  return { numerator: BigInt(mantissa), denominator: 2n ** BigInt(exponent) };
}

/** str(float): `2.0`, `1e+16`, `1e-05`, `nan`. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const [mantissa = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 16) {
    const plain =
      exponent < 0 ? value.toFixed(mantissaDigits(mantissa) - 1 - exponent) : `${value}`;
    return plain.includes('.') ? plain : `${plain}.0`;
  }
  const sign = exponent < 0 ? '-' : '+';
  return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function mantissaDigits(mantissa: string): number {
  return mantissa.replace(/\D/g, '').length;
}
