import { expect, it } from 'vitest';
import { checkGrammar } from '../../../src/grammar/gbnf-check.js';

it.each([
  'root ::= "a"',
  'root ::= item+ # comment\nitem ::= [a-z\\]\\-] | "\\u00e9" | (item2 | ".")\nitem2 ::= [^\\n]{2,5}\n',
  'root ::= "a" root | ""',
  'root ::= ("x" | "y"\n | "z")* "end"',
  '\r\nroot ::=\n  "a"? b\r\nb ::= .',
])('accepts %j', (grammar) => {
  expect(() => checkGrammar(grammar)).not.toThrow();
});

it.each([
  ['', 1, 1, 'no rule "root"'],
  ['other ::= "a"', 1, 1, 'no rule "root"'],
  ['root ::= a', 1, 10, 'no rule "a"'],
  ['root ::= "a"\nroot ::= "b"', 2, 1, 'twice'],
  ['root ::= "a', 1, 12, 'ends inside'],
  ['root ::= [a', 1, 12, 'ends inside'],
  ['root ::= []', 1, 10, 'without characters'],
  ['root ::= [z-a]', 1, 14, 'out of order'],
  ['root ::= "\\q"', 1, 11, 'no escape'],
  ['root ::= "\\u12"', 1, 11, 'no escape'],
  ['root ::= *', 1, 10, 'repeats nothing'],
  ['root ::= ""*', 1, 12, 'repeats nothing'],
  ['root ::= ("a"', 1, 14, '")" is missing'],
  ['root ::= "a")', 1, 13, 'means nothing'],
  ['root = "a"', 1, 6, '"::=" is missing'],
  ['root ::= "a"{5001}', 1, 14, '2000'],
  ['root ::= (("a"{100}){100}){100}', 1, 21, 'within each other'],
  ['root ::= "a"{3,2}', 1, 13, 'out of order'],
  ['root ::= root "a"', 1, 10, 'left recursion'],
  ['root ::= a? b\na ::= "x"\nb ::= root', 3, 7, 'left recursion'],
  ['root ::= (a)*\na ::= "x"?', 1, 13, 'may be empty'],
  ['root ::= "a" root', 1, 1, 'ever ends'],
  ['root ::= <[5]>', 1, 10, 'one model'],
  [`root ::= ${'('.repeat(200)}`, 1, 110, 'nested deeper'],
  ['root ::= "a\0"', 1, 12, 'NUL'],
])('refuses %j in line %i, column %i: %s', (grammar, line, column, reason) => {
  expect(() => checkGrammar(grammar)).toThrow(
    expect.objectContaining({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(reason),
      ...{ line, column },
    }),
  );
});

it('refuses a place from which a text may go on in too many ways', () => {
  const optional = (n: number) => `root ::= "x" ${'"a"* '.repeat(n)}`;
  expect(() => checkGrammar(optional(10_000))).not.toThrow();
  expect(() => checkGrammar(optional(10_001))).toThrow(
    expect.objectContaining({ message: expect.stringContaining('10000 ways'), column: 17 }),
  );
  const choices = `root ::= ${'r | '.repeat(101)}"x"\nr ::= ${'"a" | '.repeat(100)}"a"`;
  expect(() => checkGrammar(choices)).toThrow(/begins in more than 10000/);
});

it('walks long chains of rules without recursion', () => {
  const rules = Array.from({ length: 20_000 }, (_, i) => `r${i} ::= r${i + 1}? "x"`);
  const grammar = `root ::= r0\n${rules.join('\n')}\nr20000 ::= "y"`;
  expect(() => checkGrammar(grammar)).toThrow(/chain/);
});
