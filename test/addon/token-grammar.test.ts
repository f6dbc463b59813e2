/** The sampler with a grammar, token by token: logits are what the test feeds in. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeSampler, NativeSamplerOptions } from '../../src/binding.js';
import { checkGrammar } from '../../src/grammar/gbnf-check.js';
import { randomUniform } from '../support/random.js';
import {
  ECHO,
  type OpenDecoder,
  openDecoder,
  temporaryFolder,
  writeEchoDecoder,
} from '../support/tiny-decoder.js';

const folder = temporaryFolder();
let decoder: OpenDecoder;
let end: number;
/** The byte 0xa9, which goes on in a character, and the first byte of another one. */
const ACROSS = ['© Ã'];
beforeAll(async () => {
  decoder = await openDecoder(await writeEchoDecoder(join(folder.path, 'echo.gguf'), ACROSS));
  end = decoder.model.specialToken('<|im_end|>');
});
afterAll(async () => {
  await decoder.dispose();
  folder.remove();
});

const sampler = (grammar: string, options: Partial<NativeSamplerOptions> = {}) =>
  decoder.sampler({ grammar, grammarTrigger: '', endTokens: Int32Array.of(end), ...options });

/** What is chosen where these tokens are the best, the first most. */
async function choose(own: NativeSampler, ...wanted: number[]): Promise<number> {
  const data = new Float32Array(ECHO.nEmbd).fill(-1);
  for (const [i, token] of wanted.entries()) data[token] = 9 - i;
  const slice = { sequence: 0, position: 0, data, sampler: own };
  const [sample] = await decoder.context.step([slice]);
  decoder.context.removePositions(0, 0);
  return sample!.token;
}

it('takes the best token where it is admitted, and the best admitted one where not', async () => {
  const own = sampler('root ::= [a-c] "\\n"');
  const [a, b, x, newline] = [97, 98, 120, 10];
  expect(await choose(own, x, b, a)).toBe(b);
  expect(await choose(own, end, newline)).toBe(newline);
  expect(await choose(own, newline, x, end)).toBe(end);
});

it('follows characters byte by byte', async () => {
  const own = sampler('root ::= "é" [€]');
  const [c3, a9, e2, x82, ac] = [0xc3, 0xa9, 0xe2, 0x82, 0xac];
  expect(await choose(own, 0xc4, a9, c3)).toBe(c3);
  expect(await choose(own, 97, 0xa8, a9)).toBe(a9);
  expect(await choose(own, 0xe3, end, e2)).toBe(e2);
  expect(await choose(own, 0x83, x82)).toBe(x82);
  expect(await choose(own, end, 0xad, ac)).toBe(ac);
  expect(await choose(own, c3, end)).toBe(end);
});

it('never leaves UTF-8: no overlong form, no surrogate, nothing beyond the last character', async () => {
  for (const [first, wrong, right] of [
    [0xe0, 0x9f, 0xa0],
    [0xed, 0xa0, 0x9f],
    [0xf0, 0x8f, 0x90],
    [0xf4, 0x90, 0x8f],
  ] as const) {
    const own = sampler('root ::= [^a]*');
    expect(await choose(own, 0xc1, 0xf5, first)).toBe(first);
    expect(await choose(own, wrong, 0xc3, end, right)).toBe(right);
  }
});

it('knows a token that ends a character and begins the next one', async () => {
  const own = sampler('root ::= [^a]*');
  const across = 261;
  expect(await choose(own, across, 0xe2)).toBe(0xe2);
  expect(await choose(own, across, 0xa9, 98)).toBe(0xa9);
  expect(await choose(own, 98, across)).toBe(across);
  expect(await choose(own, 98, across, 0xa9)).toBe(across);
  expect(await choose(own, 98, 0xa9)).toBe(0xa9);
  expect(await choose(own, across, end)).toBe(end);
});

it('follows tokens of several characters to their end', async () => {
  const [he, ll, hell, hello, spaced] = [256, 257, 258, 259, 260];
  const word = sampler('root ::= "hel" [a-l]+ "o"');
  expect(await choose(word, end, spaced, ll, hello, hell)).toBe(hello);
  expect(await choose(word, hello, end)).toBe(end);
  const counted = sampler('root ::= [^ o]{3} "l" " hello"');
  expect(await choose(counted, hello, hell, he)).toBe(hell);
  expect(await choose(counted, hell, 0x6f, end, spaced)).toBe(spaced);
  const either = sampler('root ::= ("he" | "hel" | "hell") (" " | "l") "hello"?');
  expect(await choose(either, ll, spaced, hello, hell)).toBe(hell);
  expect(await choose(either, ll, spaced, hello)).toBe(spaced);
});

it('never chooses a special token for the text that it has, nor NUL', async () => {
  const start = decoder.model.specialToken('<|im_start|>');
  const own = sampler('root ::= [^a]*');
  expect(await choose(own, start, 0, 98)).toBe(98);
});

it('leaves everything free until its trigger, which a token may overrun', async () => {
  const own = sampler('root ::= "x" "y"', { grammarTrigger: '<c>' });
  const [open, c, close, x, y, z] = [60, 99, 62, 120, 121, 122];
  for (const token of [z, open, open, c]) expect(await choose(own, token)).toBe(token);
  expect(await choose(own, close)).toBe(close);
  expect(await choose(own, z, end, x)).toBe(x);
  expect(await choose(own, z, y)).toBe(y);
  expect(await choose(own, z, end)).toBe(end);
});

it('says so when no token is left', async () => {
  const own = sampler('root ::= "é"', {
    biasTokens: Int32Array.of(0xc3),
    biasValues: Float32Array.of(Number.NEGATIVE_INFINITY),
  });
  await expect(choose(own, 97)).rejects.toMatchObject({ code: 'ERR_DECODE' });
});

it('refuses a grammar that llama.cpp cannot read', () => {
  const { Grammar } = native();
  expect(() => new Grammar('no grammar')).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
  );
  expect(() => sampler('root ::= root "a"')).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
  );
});

const BITS = [
  ...[
    'root ::= ',
    'a ::= ',
    'b ::= ',
    '\n',
    '\n',
    '"x"',
    '"y"',
    '[a-z]',
    '[^x]',
    '.',
    '(',
    ')',
    '|',
    '*',
    '+',
    '?',
  ],
  ...[
    '{2}',
    '{1,3}',
    '{0,}',
    ' ',
    ' a',
    ' b ',
    ' root ',
    '""',
    '"',
    '[',
    ']',
    '\\n',
    '#c',
    '<[3]>',
    '{3000}',
    '::=',
    'é',
  ],
];

it('survives random grammars: what is accepted is read, what is not is an error', async () => {
  const random = randomUniform(Number(process.env.LLAVAOV_SEED ?? 3));
  const pick = () => BITS[Math.floor(random() * BITS.length)]!;
  const { Grammar } = native();
  let accepted = 0;
  for (let i = 0; i < Number(process.env.LLAVAOV_FUZZ ?? 4000); i++) {
    const body = Array.from({ length: 1 + Math.floor(random() * 14) }, pick).join('');
    const rules = random() < 0.5 ? '\na ::= "x" | "y" a\nb ::= "z"?\n' : '';
    const grammar = `root ::= ${body}${rules}`;
    try {
      checkGrammar(grammar);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
      continue;
    }
    accepted++;
    const handle = new Grammar(grammar);
    for (const text of ['', 'x', 'xyxyxyxyxy', 'zé']) await handle.matches(text);
    await handle.dispose();
  }
  expect(accepted).toBeGreaterThan(50);
});
