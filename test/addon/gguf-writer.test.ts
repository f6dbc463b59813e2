import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { packTexts } from '../../src/convert/packed-texts.js';
import { readGguf } from '../../src/gguf/reader.js';
import { runChild } from '../support/child.js';
import { skipUnless } from '../support/skip-unless.js';
import { temporaryFolder } from '../support/tiny-decoder.js';

const folder = temporaryFolder();
afterAll(folder.remove);

let files = 0;
const newPath = () => join(folder.path, `${files++}.gguf`);
const writerAt = (path: string) => new (native().GgufWriter)(path);
const bytesOf = (values: Float32Array | Uint16Array) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** One tensor through the writer: its stored bytes and the count of values that are not finite. */
async function convert(sourceType: string, rows: Uint8Array, type: string, shape: number[]) {
  const path = newPath();
  const writer = writerAt(path);
  writer.addTensor('t', type, shape);
  await writer.begin();
  const bad = await writer.write(sourceType, rows);
  await writer.finish();
  const { tensors } = await readGguf(path);
  const stored = readFileSync(path).subarray(tensors[0]!.offset);
  return { bad, bytes: new Uint8Array(stored.subarray(0, tensors[0]!.bytes)) };
}

const halves = (bytes: Uint8Array) => [...new Uint16Array(bytes.slice().buffer)];
const floats = (bytes: Uint8Array) => [...new Float32Array(bytes.slice().buffer)];

describe('GgufWriter', () => {
  it('writes values and arrays that our reader reads back', async () => {
    const path = newPath();
    const writer = writerAt(path);
    writer.setValue('u32', 'u32', 2 ** 32 - 1);
    writer.setValue('i32', 'i32', -5);
    writer.setValue('u64', 'u64', 2 ** 40);
    writer.setValue('f32', 'f32', 0.5);
    writer.setValue('bool', 'bool', true);
    writer.setValue('string', 'string', 'zażółć 🦊');
    writer.setArray('i32s', 'i32', Int32Array.of(1, -2));
    writer.setArray('u32s', 'u32', Uint32Array.of(3));
    writer.setArray('f32s', 'f32', Float32Array.of(0.25));
    await writer.setStrings('strings', await packTexts(['a', '', 'Ġ']));
    await writer.setStrings('no strings', await packTexts([]));
    await writer.begin();
    await writer.finish();
    const { metadata } = await readGguf(path);
    const numbers = ['u32', 'i32', 'u64', 'f32'].map((key) => Number(metadata.get(key)));
    expect(numbers).toEqual([2 ** 32 - 1, -5, 2 ** 40, 0.5]);
    expect([metadata.get('bool'), metadata.get('string')]).toEqual([true, 'zażółć 🦊']);
    const array = (key: string) => [...(metadata.get(key) as { values: Iterable<unknown> }).values];
    expect(['i32s', 'u32s', 'f32s'].map(array)).toEqual([[1, -2], [3], [0.25]]);
    expect(array('strings')).toEqual(['a', '', 'Ġ']);
    expect(array('no strings')).toEqual([]);
  });

  it('aligns tensors and takes their rows in several pieces', async () => {
    const path = newPath();
    const writer = writerAt(path);
    writer.addTensor('a', 'f32', [3]);
    writer.addTensor('b', 'f16', [2, 3]);
    await writer.begin();
    await writer.write('f32', bytesOf(Float32Array.of(1, 2, 3)));
    await writer.write('f32', bytesOf(Float32Array.of(1, 2)));
    await writer.write('f32', bytesOf(Float32Array.of(3, 4, 5, 6)));
    await writer.finish();
    const { tensors, fileSize } = await readGguf(path);
    expect(tensors.map(({ name, shape, type, bytes }) => [name, shape, type, bytes])).toEqual([
      ['a', [3], 'f32', 12],
      ['b', [2, 3], 'f16', 12],
    ]);
    expect(tensors.map(({ offset }) => offset % 32)).toEqual([0, 0]);
    expect(fileSize).toBe(tensors[1]!.offset + 32);
    const b = readFileSync(path).subarray(tensors[1]!.offset);
    expect(halves(new Uint8Array(b.subarray(0, 12)))).toEqual([
      0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600,
    ]);
  });
});

describe('conversion', () => {
  const f32 = (...values: number[]) => bytesOf(Float32Array.from(values));
  const u16 = (...values: number[]) => bytesOf(Uint16Array.from(values));

  it('rounds f32 to nearest even in f16 and bf16', async () => {
    const values = f32(1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65504, 2 ** -24, 2 ** -26, -0);
    const f16 = await convert('f32', values, 'f16', [7]);
    expect(halves(f16.bytes)).toEqual([0x3c00, 0x3c00, 0x3c02, 0x7bff, 1, 0, 0x8000]);
    const bf16 = await convert('f32', f32(1, 1 + 2 ** -8, 1 + 3 * 2 ** -8), 'bf16', [3]);
    expect(halves(bf16.bytes)).toEqual([0x3f80, 0x3f80, 0x3f82]);
    expect([f16.bad, bf16.bad]).toEqual([0, 0]);
  });

  it('widens and copies without change', async () => {
    const same = u16(0x3c00, 0x0001, 0xfbff);
    expect((await convert('f16', same, 'f16', [3])).bytes).toEqual(same);
    const wide = await convert('f16', same, 'f32', [3]);
    expect(floats(wide.bytes)).toEqual([1, 2 ** -24, -65504]);
    expect(floats((await convert('bf16', u16(0x3f80, 0xc000), 'f32', [2])).bytes)).toEqual([1, -2]);
    expect(halves((await convert('bf16', u16(0x3f80), 'f16', [1])).bytes)).toEqual([0x3c00]);
  });

  it('takes rows at any address', async () => {
    const padded = new Uint8Array(1 + 8);
    padded.set(f32(1.5, -3), 1);
    const { bytes } = await convert('f32', padded.subarray(1), 'f32', [2]);
    expect(floats(bytes)).toEqual([1.5, -3]);
  });

  it('quantises to q8_0: an f16 scale of amax / 127 and 32 rounded values', async () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => (i - 20) / 4);
    const { bytes } = await convert('f32', bytesOf(values), 'q8_0', [32, 2]);
    expect(bytes.length).toBe(68);
    for (const row of [0, 1]) {
      const block = values.subarray(32 * row, 32 * row + 32);
      const scale = Math.max(...block.map(Math.abs)) / 127;
      const stored = new Int8Array(bytes.slice(34 * row + 2, 34 * row + 34).buffer);
      block.forEach((value, i) => {
        expect(Math.abs(stored[i]! * scale - value)).toBeLessThanOrEqual(scale * 0.501);
      });
    }
  });

  it('quantises whole rows larger than its working chunk', async () => {
    const n = 70_016; // over 65,536 and a multiple of 32
    const values = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
    const { bytes } = await convert('f32', bytesOf(values), 'q8_0', [n]);
    const last = new Int8Array(bytes.slice(-32).buffer);
    const scale = Math.max(...values.subarray(-32).map(Math.abs)) / 127;
    expect(last[31]! * scale).toBeCloseTo(values.at(-1)!, 2);
  });

  it('counts values that are not finite, or not in the target type', async () => {
    const count = async (...args: Parameters<typeof convert>) => (await convert(...args)).bad;
    expect(await count('f32', f32(NaN, Infinity, -Infinity, 1), 'f32', [4])).toBe(3);
    expect(await count('f32', f32(65519, 65520, -1e30), 'f16', [3])).toBe(2);
    expect(await count('bf16', u16(0x7f7f, 0x7f80, 0x4780), 'bf16', [3])).toBe(1);
    expect(await count('bf16', u16(0x7f7f, 0x7f80, 0x477f), 'f16', [3])).toBe(2);
    expect(await count('f32', f32(3.4e38, 3.39e38), 'bf16', [2])).toBe(1);
    const block = Float32Array.from({ length: 256 }, (_, i) => (i === 7 ? NaN : i));
    for (const type of ['q8_0', 'q4_0', 'q4_K', 'q6_K', 'iq4_nl'])
      expect(await count('f32', bytesOf(block), type, [256])).toBe(1);
  });
});

describe('misuse', () => {
  const declared = () => {
    const writer = writerAt(newPath());
    writer.setValue('key', 'u32', 1);
    writer.addTensor('t', 'f32', [2, 2]);
    return writer;
  };

  it.each([
    ['duplicate key', (w: ReturnType<typeof declared>) => w.setValue('key', 'u32', 2)],
    ['duplicate array', (w) => w.setArray('key', 'i32', new Int32Array())],
    ['reserved key', (w) => w.setValue('general.alignment', 'u32', 3)],
    ['empty key', (w) => w.setValue('', 'u32', 3)],
    ['out of range', (w) => w.setValue('n', 'u32', -1)],
    ['wrong kind', (w) => w.setValue('n', 'string', 3)],
    ['NUL', (w) => w.setValue('n', 'string', 'a\0b')],
    ['a NUL in a text', async (w) => w.setStrings('n', await packTexts(['\0']))],
    ['texts without their NULs', (w) => w.setStrings('n', Buffer.from('a'))],
    ['texts for a known key', (w) => w.setStrings('key', new Uint8Array(1))],
    ['wrong array', (w) => w.setArray('n', 'f32', new Int32Array(1))],
    ['duplicate tensor', (w) => w.addTensor('t', 'f32', [1])],
    ['long name', (w) => w.addTensor('x'.repeat(64), 'f32', [1])],
    ['unknown type', (w) => w.addTensor('u', 'f64', [1])],
    ['partial blocks', (w) => w.addTensor('u', 'q8_0', [33])],
    ['no shape', (w) => w.addTensor('u', 'f32', [])],
    ['five dimensions', (w) => w.addTensor('u', 'f32', [1, 1, 1, 1, 1])],
    ['zero size', (w) => w.addTensor('u', 'f32', [0])],
    ['overflowing size', (w) => w.addTensor('u', 'f32', [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1])],
    ['write before begin', (w) => w.write('f32', new Uint8Array(8))],
    ['finish before begin', (w) => w.finish()],
  ] as [string, (w: ReturnType<typeof declared>) => unknown][])('refuses %s', async (_, act) => {
    const writer = declared();
    await expect(async () => act(writer)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  it.each([
    ['a partial row', (w: ReturnType<typeof declared>) => w.write('f32', new Uint8Array(4))],
    ['no rows', (w) => w.write('f32', new Uint8Array())],
    ['too many rows', (w) => w.write('f32', new Uint8Array(24))],
    ['an unknown source', (w) => w.write('i8', new Uint8Array(8))],
    ['a source of other blocks', (w) => w.write('q8_0', new Uint8Array(34))],
    [
      'importances of another width',
      (w) => w.write('f32', new Uint8Array(8), new Float32Array(3).fill(1)),
    ],
    ['importances of zero', (w) => w.write('f32', new Uint8Array(8), new Float32Array(2))],
    ['metadata after begin', (w) => w.setValue('late', 'u32', 1)],
    ['a tensor after begin', (w) => w.addTensor('late', 'f32', [1])],
    ['a second begin', (w) => w.begin()],
    ['an incomplete finish', (w) => w.finish()],
  ] as [string, (w: ReturnType<typeof declared>) => unknown][])('refuses %s', async (_, act) => {
    const writer = declared();
    await writer.begin();
    await expect(async () => act(writer)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await writer.write('f32', new Uint8Array(16)); // still usable
    await writer.finish();
  });

  it('refuses a second operation while one is in flight', async () => {
    const writer = declared();
    const beginning = writer.begin();
    expect(() => writer.setValue('late', 'u32', 1)).toThrow(/one operation at a time/);
    await beginning;
  });
});

describe('files', () => {
  it('are deleted by dispose before finish, kept after it', async () => {
    for (const finish of [false, true]) {
      const path = newPath();
      const writer = writerAt(path);
      await writer.begin();
      if (finish) await writer.finish();
      expect(existsSync(path)).toBe(true);
      await writer.dispose();
      expect(existsSync(path)).toBe(finish);
    }
  });

  it('report why they cannot be written', async () => {
    const path = join(folder.path, 'missing', 'x.gguf');
    const error = { code: 'ERR_WRITE', path, message: expect.stringContaining('No such file') };
    await expect(writerAt(path).begin()).rejects.toMatchObject(error);
  });

  const onUnix = skipUnless(existsSync('/dev/full'), 'needs /dev/full');
  it('report a full disk and leave the device alone', onUnix, async () => {
    const writer = writerAt('/dev/full');
    writer.addTensor('t', 'f32', [1 << 20]);
    const full = {
      code: 'ERR_WRITE',
      ...{ path: '/dev/full', system: 'ENOSPC' },
      message: expect.stringContaining('space'),
    };
    await expect(writer.begin()).rejects.toMatchObject(full);
    await expect(writer.finish()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await writer.dispose();
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });
});

const mayLimit = existsSync('/usr/bin/setpriv') && existsSync('/usr/bin/prlimit');
it(
  'goes on alone where no threads can be started',
  skipUnless(mayLimit, 'needs setpriv and prlimit'),
  () => {
    // The limit does not hold for root.
    const other = ['setpriv', '--reuid=65533', '--regid=65533', '--clear-groups'];
    chmodSync(folder.path, 0o777);
    const { stdout, stderr } = runChild(
      `import { execFileSync } from 'node:child_process';
     const writer = new binding.GgufWriter(path, 4);
     writer.addTensor('t', 'q8_0', [256, 4096]);
     await writer.begin();
     execFileSync('prlimit', ['--nproc=1:1', '--pid', String(process.pid)]);
     const rows = new Float32Array(256 * 4096).fill(0.5);
     console.log(await writer.write('f32', new Uint8Array(rows.buffer)));
     await writer.finish();`,
      newPath(),
      { wrapper: process.getuid?.() === 0 ? other : [] },
    );
    expect(stdout, stderr).toBe('0\n');
  },
);
