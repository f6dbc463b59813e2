import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  ggufBoolean,
  ggufInteger,
  ggufNumber,
  ggufNumbers,
  ggufString,
  ggufStrings,
  readGguf,
} from '../../../src/gguf/reader.js';
import { ggufBytes, number, type TestGguf, text } from '../../support/gguf.js';
import { countTurns } from '../../support/turns.js';

const dir = mkdtempSync(join(tmpdir(), 'gguf-reader-'));
afterAll(() => rmSync(dir, { recursive: true }));

function file(bytes: Uint8Array): string {
  const path = join(dir, 'file.gguf');
  writeFileSync(path, bytes);
  return path;
}

const sample: TestGguf = {
  entries: {
    u8: ['u8', 200],
    i8: ['i8', -3],
    u16: ['u16', 65535],
    i16: ['i16', -300],
    u32: ['u32', 4e9],
    i32: ['i32', -7],
    f32: ['f32', 0.25],
    f64: ['f64', 0.1],
    bool: ['bool', true],
    string: ['string', 'Größe'],
    u64: ['u64', 2 ** 40],
    huge: ['u64', 2n ** 60n],
    strings: ['string[]', ['a', '', 'Ġb']],
    ints: ['i32[]', [-1, 2]],
    bools: ['bool[]', [true, false]],
    none: ['f32[]', []],
  },
  tensors: [
    { name: 'a', shape: [3], type: 'f32' },
    { name: 'b.weight', shape: [32, 2, 1, 3], type: 'q8_0' },
  ],
};

describe('readGguf', () => {
  test.each([2, 3])('reads every kind of value and tensor, version %i', async (version) => {
    const bytes = ggufBytes({ ...sample, version });
    const gguf = await readGguf(file(bytes));
    expect(gguf).toMatchObject({ version, fileSize: bytes.length });
    expect(Object.fromEntries(gguf.metadata)).toEqual({
      u8: 200,
      i8: -3,
      u16: 65535,
      i16: -300,
      u32: 4e9,
      i32: -7,
      f32: 0.25,
      f64: 0.1,
      bool: true,
      string: 'Größe',
      u64: 2 ** 40,
      huge: 2n ** 60n,
      strings: { type: 'string', values: ['a', '', 'Ġb'] },
      ints: { type: 'i32', values: Int32Array.of(-1, 2) },
      bools: { type: 'bool', values: [true, false] },
      none: { type: 'f32', values: new Float32Array() },
    });
    expect(gguf.scalarTypes.get('u16')).toBe('u16');
    const [a, b] = gguf.tensors;
    expect(a).toMatchObject({ name: 'a', shape: [3], type: 'f32', bytes: 12 });
    expect(b).toMatchObject({ shape: [32, 2, 1, 3], type: 'q8_0', bytes: 6 * 34 });
    expect(a!.offset % 32).toBe(0);
    expect(b!.offset - a!.offset).toBe(32);
    expect(b!.offset + 224).toBe(bytes.length);
  });

  test('reads a header larger than its window', async () => {
    const tokens = Array.from({ length: 200_000 }, (_, i) => `token ${i}`);
    const entries: TestGguf['entries'] = { tokens: ['string[]', tokens], last: ['u32', 7] };
    const gguf = await readGguf(file(ggufBytes({ entries, tensors: [] })));
    expect(ggufStrings(gguf, 'tokens')).toEqual(tokens);
    expect(gguf.metadata.get('last')).toBe(7);
  });

  test('refuses a file cut at any place', async () => {
    const whole = ggufBytes(sample);
    const dataStart = whole.length - 32 - 224;
    for (let length = 0; length < whole.length - 20; length += length < dataStart ? 3 : 25)
      await expect(
        readGguf(file(whole.subarray(0, length))),
        `${length} bytes`,
      ).rejects.toMatchObject({
        code: 'ERR_MODEL_LOAD',
      });
  });

  test('says which tensor a truncated file lacks', async () => {
    await expect(readGguf(file(ggufBytes(sample).subarray(0, -100)))).rejects.toThrow(
      /truncated.*'b\.weight'/,
    );
  });
});

const oneKey = (...parts: Buffer[]) =>
  Buffer.concat([
    Buffer.from('GGUF'),
    number('u32', 3),
    number('u64', 0),
    number('u64', 1),
    ...parts,
    Buffer.alloc(32),
  ]);
const withTensor = (tensor: Partial<TestGguf['tensors'][0]>) =>
  ggufBytes({ entries: {}, tensors: [{ name: 't', shape: [32], type: 'f32', ...tensor }] });

test('a vocabulary of some megabytes is read between turns of the event loop', async () => {
  const texts = Array.from({ length: 120_000 }, (_, i) => `Größe ${i}`);
  const long = 'x'.repeat(300_000);
  const strings = ['', long, ...texts, long];
  const path = file(ggufBytes({ ...sample, entries: { strings: ['string[]', strings] } }));
  let read: string[] = [];
  const turns = await countTurns(async () => {
    read = ggufStrings(await readGguf(path), 'strings');
  });
  expect(read).toEqual(strings);
  expect(turns).toBeGreaterThan(10);
});

describe('malformed bytes', () => {
  const cases: [what: string, bytes: Buffer, message: RegExp][] = [
    ['empty', Buffer.alloc(0), /it is empty/],
    ['another format', Buffer.from('{"a": 1}, and so on'), /not a GGUF file/],
    ['version 1', ggufBytes({ ...sample, version: 1 }), /version 1/],
    ['version 4', ggufBytes({ ...sample, version: 4 }), /version 4/],
    ['big-endian', ggufBytes({ ...sample, version: 0x03000000 }), /big-endian/],
    ['absurd key count', ggufBytes({ ...sample, nKeys: 2n ** 62n }), /4611686018427387904 keys/],
    ['absurd tensor count', ggufBytes({ ...sample, nTensors: 10n ** 9n }), /1000000000 tensors/],
    ['absurd key length', oneKey(number('u64', 2n ** 61n)), /name of key 0.*length/],
    ['nameless key', oneKey(text(''), number('u32', 4), number('u32', 1)), /key 0 has no name/],
    ['unknown value type', oneKey(text('k'), number('u32', 77)), /'k'.*unknown type \(77\)/],
    [
      'absurd string length',
      oneKey(text('k'), number('u32', 8), number('u64', 2n ** 40n)),
      /value of 'k'.*length/,
    ],
    [
      'absurd array length',
      oneKey(text('k'), number('u32', 9), number('u32', 4), number('u64', 2n ** 50n)),
      /'k'.*length/,
    ],
    [
      'array of arrays',
      oneKey(text('k'), number('u32', 9), number('u32', 9), number('u64', 1)),
      /'k'.*unknown type \(9\)/,
    ],
    [
      'absurd string in an array',
      oneKey(text('k'), number('u32', 9), number('u32', 8), number('u64', 1), number('u64', 1e9)),
      /'k'\[0\].*length/,
    ],
    ['nameless tensor', withTensor({ name: '' }), /tensor 0.*0 bytes/],
    ['long tensor name', withTensor({ name: 'x'.repeat(64) }), /tensor 0.*64 bytes/],
    ['no dimensions', withTensor({ shape: [] }), /'t' has 0 dimensions/],
    ['five dimensions', withTensor({ shape: [1, 1, 1, 1, 1] }), /'t' has 5 dimensions/],
    ['zero dimension', withTensor({ shape: [4, 0] }), /'t'.*impossible shape/],
    ['overflowing shape', withTensor({ shape: [2 ** 40, 2 ** 40], type: '0' }), /'t'.*impossible/],
    ['removed type', withTensor({ type: '4' }), /'t'.*unknown type \(4\)/],
    ['unknown type', withTensor({ type: '1000' }), /'t'.*unknown type \(1000\)/],
    ['broken block row', withTensor({ shape: [33], type: 'q8_0' }), /'t'.*rows of 33/],
    ['gap before data', withTensor({ offset: 32 }), /'t' has offset 32 where 0/],
    [
      'overlapping tensors',
      ggufBytes({
        entries: {},
        tensors: [
          { name: 's', shape: [32], type: 'f32' },
          { name: 't', shape: [32], type: 'f32', offset: 64 },
        ],
      }),
      /'t' has offset 64 where 128/,
    ],
    [
      'one name twice',
      ggufBytes({
        entries: {},
        tensors: [
          { name: 't', shape: [32], type: 'f32' },
          { name: 't', shape: [32], type: 'f32' },
        ],
      }),
      /two tensors 't'/,
    ],
    [
      'odd alignment',
      ggufBytes({ entries: { 'general.alignment': ['u32', 24] }, tensors: [] }),
      /general\.alignment/,
    ],
    [
      'alignment of another type',
      ggufBytes({ entries: { 'general.alignment': ['u64', 32] }, tensors: [] }),
      /general\.alignment/,
    ],
  ];
  test.each(cases)('%s', async (_, bytes, message) => {
    const path = file(bytes);
    const error = await readGguf(path).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_MODEL_LOAD', path });
    expect(error.message).toMatch(message);
  });

  test('one key twice', async () => {
    const twice = ggufBytes({ entries: { aa: ['u32', 1], ab: ['u32', 2] }, tensors: [] });
    twice[twice.indexOf('ab') + 1] = 'a'.charCodeAt(0);
    await expect(readGguf(file(twice))).rejects.toThrow(/two keys 'aa'/);
  });

  test.each([join(dir, 'absent.gguf'), dir])('no readable file: %s', async (path) => {
    await expect(readGguf(path)).rejects.toMatchObject({ code: 'ERR_MODEL_LOAD', path });
  });
});

describe('lookups', () => {
  const gguf = readGguf(file(ggufBytes(sample)));

  test('give values and fallbacks', async () => {
    const file = await gguf;
    expect(ggufNumber(file, 'f32')).toBe(0.25);
    expect(ggufNumber(file, 'absent', 3)).toBe(3);
    expect(ggufInteger(file, 'u8', { min: 0, max: 255 })).toBe(200);
    expect(ggufString(file, 'string')).toBe('Größe');
    expect(ggufBoolean(file, 'absent', false)).toBe(false);
    expect(ggufNumbers(file, 'ints')).toEqual([-1, 2]);
    expect(ggufNumbers(file, 'absent', [5])).toEqual([5]);
    expect(ggufStrings(file, 'strings')).toEqual(['a', '', 'Ġb']);
  });

  test.each([
    ['missing', (file) => ggufNumber(file, 'absent'), /'absent' is missing \(expected a number\)/],
    ['text', (file) => ggufNumber(file, 'string'), /'string' must be a number but is "Größe"/],
    ['beyond a number', (file) => ggufNumber(file, 'huge'), /'huge' must be a number/],
    ['number', (file) => ggufString(file, 'u8'), /'u8' must be a string but is 200/],
    ['number', (file) => ggufBoolean(file, 'u8'), /'u8' must be a boolean/],
    [
      'range',
      (file) => ggufInteger(file, 'u8', { min: 0, max: 9 }),
      /integer from 0 to 9 but is 200/,
    ],
    ['fraction', (file) => ggufInteger(file, 'f32', { min: 0, max: 9 }), /integer/],
    ['strings', (file) => ggufNumbers(file, 'strings'), /is an array of 3 string/],
    ['numbers', (file) => ggufStrings(file, 'ints'), /is an array of 2 i32/],
    ['scalar', (file) => ggufStrings(file, 'string'), /must be an array of strings/],
  ] as [string, (file: Awaited<typeof gguf>) => unknown, RegExp][])(
    'refuse: %s',
    async (_, look, message) => {
      const file = await gguf;
      expect(() => look(file)).toThrow(message);
      expect(() => look(file)).toThrow(expect.objectContaining({ code: 'ERR_MODEL_LOAD' }));
    },
  );
});
