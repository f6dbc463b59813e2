/** Numbers without bounds, or from zero on: any integer of up to 32 digits, any number whose exponent stays within doubles. */
import type { GrammarBuilder } from './gbnf.js';
import type { NumberFacts } from './number-facts.js';
import { literal } from './terminals.js';

const MORE_DIGITS = 31;

export function isFree(facts: NumberFacts): boolean {
  return (
    (facts.least === Number.NEGATIVE_INFINITY || (facts.least === 0 && !facts.isAboveLeast)) &&
    facts.most === Number.POSITIVE_INFINITY &&
    facts.multiplesOf.length === 0 &&
    facts.notMultiplesOf.length === 0 &&
    facts.notValues.length === 0 &&
    facts.values === undefined &&
    !facts.isFraction
  );
}

export function freeNumber(builder: GrammarBuilder, { isInteger, least }: NumberFacts): number {
  const more = builder.repeat('digit', '[0-9]', 0, MORE_DIGITS);
  const whole = builder.rule('whole', [[literal('0')], ['[1-9]', ...more]]);
  // -0 is left out of integers only: as a number it keeps any bound that zero keeps.
  const signs = least === 0 ? [[]] : [[literal('-')], []];
  const minus = builder.rule('minus', signs);
  if (isInteger) {
    return builder.rule('integer', [[literal('0')], [minus, '[1-9]', ...more]]);
  }
  const fraction = builder.rule('fraction', [[literal('.'), '[0-9]', ...more], []]);
  // 32 digits times 10^199, or one digit times 10^307: no more, so that nothing reads back as Infinity.
  const upTo9 = builder.rule('exponent', [
    ['[0-9]'],
    ['[0-9]', '[0-9]'],
    [literal('1'), '[0-9]', '[0-9]'],
  ]);
  const sign = builder.rule('sign', [['[+\\-]'], []]);
  const large = builder.rule('exponent', [
    [literal('2'), '[0-9]', '[0-9]'],
    [literal('30'), '[0-7]'],
  ]);
  return builder.rule('number', [
    [minus, whole, fraction],
    [minus, whole, fraction, '[eE]', sign, upTo9],
    [minus, '[1-9]', fraction, '[eE]', sign, large],
  ]);
}
