import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import {
  collect,
  countFrom,
  numberFrom,
  parseCount,
  parseNumber,
  reportUsage,
  withFlags,
} from '../../../../src/cli/shared/flags.js';
import { invalidArgument, LlavaError } from '../../../../src/errors.js';

test('numbers and counts', () => {
  expect(parseNumber('0.5')).toBe(0.5);
  expect(parseCount('512')).toBe(512);
  for (const text of ['', ' ', 'hot', '1,5']) expect(() => parseNumber(text)).toThrow('number');
  for (const text of ['1.5', '-1', '1e99']) expect(() => parseCount(text)).toThrow('count');
});

test('numbers and counts within bounds', () => {
  expect([numberFrom(0, 2)('0.5'), countFrom(0, 9)('9')]).toEqual([0.5, 9]);
  for (const text of ['-1', '2.1', 'Infinity'])
    expect(() => numberFrom(0, 2)(text)).toThrow('Not from 0 to 2.');
  expect(() => countFrom(1, 9)('0')).toThrow('Not from 1 to 9.');
  expect(() => countFrom(1, 9)('1.5')).toThrow('count');
});

test('a repeated option gathers its values', () => {
  expect(collect('b', collect('a'))).toEqual(['a', 'b']);
});

describe('a complaint of the library', () => {
  const command = new Command('run')
    .argument('<file>')
    .option('--top-p <p>', '', parseNumber)
    .option('--model <file>')
    .exitOverride()
    .configureOutput({ writeErr: () => {} });

  test('about the value of an option is wrong usage', () => {
    const error = invalidArgument('topP', 'a number up to 1', 7);
    expect(() => reportUsage(error, command)).toThrow("option '--top-p <p>': Expected a number");
    const path = invalidArgument('model', 'a path', '');
    expect(() => reportUsage(path, command)).toThrow("option '--model <file>': Expected a path");
    const file = invalidArgument('file', 'a path', '');
    expect(() => reportUsage(file, command)).toThrow("argument 'file': Expected a path");
  });

  test('about anything else is not', () => {
    reportUsage(invalidArgument('backend', 'a name', ''), command);
    reportUsage(invalidArgument('messages[0].content', 'parts', ''), command);
    reportUsage(new LlavaError('ERR_MODEL_LOAD', 'broken', { argument: 'topP' }), command);
    reportUsage(new Error('other'), command);
  });
});

test("the library's options become the command's flags, other words stay", () => {
  const command = new Command('convert')
    .option('--text-only')
    .option('--no-checksum')
    .option('--top-p <p>');
  const message = 'allow it (`textOnly`), or `topP`; prefix `data:`, not `maxPixels` or textOnly';
  expect(withFlags(message, command)).toBe(
    'allow it (--text-only), or --top-p; prefix `data:`, not `maxPixels` or textOnly',
  );
  expect(withFlags(message, undefined)).toBe(message);
});
