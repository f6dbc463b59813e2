import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readTensorTable } from '../../../src/convert/checkpoint.js';
import { surveyJson } from '../../../src/convert/json-survey.js';
import { readSafetensors } from '../../../src/convert/safetensors.js';
import { bf16Tensor, safetensorsBytes } from '../../support/safetensors.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'safetensors-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function file(bytes: Uint8Array, name = 'model.safetensors'): string {
  writeFileSync(join(dir, name), bytes);
  return join(dir, name);
}

const tensors = { a: bf16Tensor([2, 3]), b: bf16Tensor([4]), scalar: bf16Tensor([]) };

describe('readSafetensors', () => {
  test('finds dtype, shape and place of each tensor', async () => {
    const bytes = safetensorsBytes(tensors);
    const { tensors: found, metadata } = await readSafetensors(file(bytes));
    const dataStart = bytes.length - 22;
    expect(metadata).toEqual({ format: 'pt' });
    expect(found).toMatchObject([
      { name: 'a', dtype: 'BF16', shape: [2, 3], offset: dataStart, bytes: 12 },
      { name: 'b', shape: [4], offset: dataStart + 12, bytes: 8 },
      { name: 'scalar', shape: [], offset: dataStart + 20, bytes: 2 },
    ]);
  });

  const header = (json: string | Buffer) => {
    const body = Buffer.from(json);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(body.length));
    return Buffer.concat([length, body]);
  };
  const whole = safetensorsBytes(tensors);
  const SCALAR = '{"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}';
  const twice = (name: string) =>
    `{"a": ${SCALAR}, "__metadata__": {"b": "c", "x": "\\"a\\": {"}, "b": ${SCALAR}, ${name} : ${SCALAR}}`;
  const cases: [what: string, bytes: Buffer, message: RegExp, tensor?: string][] = [
    ['empty', Buffer.alloc(0), /not a safetensors file/],
    ['a few bytes', Buffer.from('GGUF'), /not a safetensors file/],
    ['absurd header length', Buffer.concat([Buffer.alloc(8, 255), Buffer.alloc(64)]), /header of/],
    ['cut in its header', whole.subarray(0, 60), /truncated inside its header/],
    ['header is not JSON', header('{"a": '), /not JSON/],
    ['header is a list', header('[1, 2]'), /not an object/],
    ['entry is no object', header('{"a": 3}'), /'a' has no description/, 'a'],
    ['unknown dtype', safetensorsBytes(tensors, (h) => (h.b!.dtype = 'F3')), /'b'.*"F3"/, 'b'],
    ['negative size', safetensorsBytes(tensors, (h) => (h.a!.shape = [-2, -3])), /'a'.*shape/, 'a'],
    [
      'shape does not fit',
      safetensorsBytes(tensors, (h) => (h.a!.shape = [2, 4])),
      /'a'.*16 bytes.*12/,
      'a',
    ],
    [
      'reversed offsets',
      safetensorsBytes(tensors, (h) => (h.a!.data_offsets = [12, 0])),
      /'a'.*data_offsets/,
      'a',
    ],
    [
      'overlap',
      safetensorsBytes(tensors, (h) => (h.b!.data_offsets = [8, 16])),
      /'b' overlaps/,
      'b',
    ],
    ['gap', safetensorsBytes(tensors, (h) => delete h.b), /'scalar' belong to no tensor/, 'scalar'],
    ['cut in its data', whole.subarray(0, -6), /truncated.*'b'/, 'b'],
    ['bytes at its end', Buffer.concat([whole, Buffer.alloc(5)]), /5 bytes at its end/],
    ['one name twice', header(twice('"a"')), /tensor 'a' twice/, 'a'],
    ['one name twice, escaped', header(twice('"\\u0061"')), /tensor 'a' twice/, 'a'],
  ];
  test.each(cases)('refuses: %s', async (_, bytes, message, tensor) => {
    const path = file(bytes);
    const error = await readSafetensors(path).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINT', path, ...(tensor && { tensor }) });
    expect(error.message).toMatch(message);
  });

  test('refuses a file that is not there', async () => {
    const path = join(dir, 'absent.safetensors');
    await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', path });
  });
});

test('a key is repeated where it is one, and of the object itself', () => {
  const findRepeatedKey = (text: string) => surveyJson(text).repeatedKey;
  expect(findRepeatedKey('{"a": "a", "b": {"a": 1, "a": 2}, "c": ["a", "a"], "d": "\\\\"}')).toBe(
    undefined,
  );
  expect(findRepeatedKey('{"a:": "\\\\", "a": [{"b": 1}], "b": "\\"b\\":", "a:\\"" : 1}')).toBe(
    undefined,
  );
  expect(findRepeatedKey('{"a\\n\\"": 1, "b": 2, "\\u0061\\u000a\\u0022" :2}')).toBe('a\n"');
  expect(findRepeatedKey('{"": 1, "" : 2}')).toBe('');
  expect(findRepeatedKey('{"__proto__": 1, "__proto__": 2}')).toBe('__proto__');
  expect(findRepeatedKey('{}')).toBe(undefined);
});

test('depth counts brackets that are not in strings', () => {
  const depths = ['1', '{}', '{"a": [1, {}], "b": [[]]}', '{"[[[": "\\"[[["}'];
  expect(depths.map((text) => surveyJson(text).depth)).toEqual([0, 1, 3, 1]);
});

describe('shards', () => {
  const shard = (index: number) => `model-0000${index}-of-00002.safetensors`;
  const writeIndex = (map: Record<string, unknown>) =>
    file(Buffer.from(JSON.stringify({ weight_map: map })), 'model.safetensors.index.json');
  const map = { a: shard(1), b: shard(2) };

  beforeEach(() => {
    file(safetensorsBytes({ a: tensors.a }), shard(1));
    file(safetensorsBytes({ b: tensors.b }), shard(2));
  });

  test('are one table', async () => {
    writeIndex(map);
    const table = await readTensorTable(dir);
    expect(table.get('b')).toMatchObject({ file: join(dir, shard(2)), shape: [4] });
    expect([...table.keys()]).toEqual(['a', 'b']);
  });

  test('a missing shard is named', async () => {
    writeIndex(map);
    rmSync(join(dir, shard(2)));
    await expect(readTensorTable(dir)).rejects.toMatchObject({ path: join(dir, shard(2)) });
  });

  test('a tensor in two shards is named', async () => {
    writeIndex(map);
    file(safetensorsBytes({ b: tensors.b, a: tensors.a }), shard(2));
    await expect(readTensorTable(dir)).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      tensor: 'a',
    });
  });

  test('a tensor that the index promises and no shard has is named', async () => {
    writeIndex({ ...map, c: shard(1) });
    await expect(readTensorTable(dir)).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      tensor: 'c',
    });
  });

  test.each([[{ a: '../elsewhere.safetensors' }], [{ a: 3 }], [{ a: '..' }], [{ a: 'a\0' }]])(
    'index %j is refused',
    async (bad) => {
      writeIndex(bad);
      await expect(readTensorTable(dir)).rejects.toThrow(/weight_map/);
    },
  );

  test('no weights at all: says what is missing, and what to do with .bin files', async () => {
    for (const index of [1, 2]) rmSync(join(dir, shard(index)));
    await expect(readTensorTable(dir)).rejects.toThrow(/no model\.safetensors/);
    file(Buffer.from('x'), 'pytorch_model.bin');
    await expect(readTensorTable(dir)).rejects.toThrow(/saved as safetensors/);
  });
});
