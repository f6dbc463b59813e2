/** Weights file by file become the same bytes as weights at once, whatever stops it on the way. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { convert } from '../../src/convert/convert.js';
import { convertShards, type Shards } from '../../src/convert/convert-shards.js';
import { readSafetensors } from '../../src/convert/safetensors.js';
import { folderFiles } from '../support/hub-files.js';
import { DEMO } from '../support/named-model.js';
import { inShards } from '../support/shards.js';

const COUNT = 4;
const root = mkdtempSync(join(tmpdir(), 'convert-shards-'));
afterAll(() => rmSync(root, { recursive: true }));

const weights = join(root, 'weights');
const checkpoint = join(root, 'checkpoint');
for (const folder of [weights, checkpoint]) {
  const files = Object.entries(inShards(folderFiles(join(DEMO, 'checkpoint')), COUNT));
  mkdirSync(folder);
  for (const [name, data] of files)
    if (folder === weights || !name.endsWith('.safetensors'))
      writeFileSync(join(folder, name), data);
}

let outdir: string;
let lent: string[];
beforeEach(() => {
  outdir = mkdtempSync(join(root, 'out-'));
  lent = [];
});
afterEach(() => rmSync(outdir, { recursive: true }));

const elsewhere = (path: string) => join(weights, basename(path));
const shards = (stop = Number.POSITIVE_INFINITY): Shards => ({
  readHeader: async (path) => {
    const file = await readSafetensors(elsewhere(path));
    return { ...file, tensors: file.tensors.map((tensor) => ({ ...tensor, file: path })) };
  },
  async lend(path, work) {
    if (lent.length === stop) throw new Error('stopped');
    lent.push(basename(path));
    await work(elsewhere(path));
  },
});
const options = { checkpoint, name: 'demo', outtype: 'q8_0' } as const;
const bytes = ({ model, mmproj }: { model: string; mmproj: string }) =>
  [model, mmproj].map((path) => readFileSync(path).toString('latin1'));

test('whole, and stopped before each file in turn', async () => {
  const once = await convert({ ...options, checkpoint: weights, outdir: join(outdir, 'once') });
  const expected = bytes({ model: once.model.path, mmproj: once.mmproj.path });
  const place = join(outdir, 'pieces');
  for (let stop = 1; stop < COUNT; stop++)
    await expect(
      convertShards({ ...options, outdir: place, shards: shards(stop) }),
    ).rejects.toThrow('stopped');
  const fractions: number[] = [];
  const onProgress = (fraction: number) => fractions.push(fraction);
  const files = await convertShards({ ...options, outdir: place, shards: shards(), onProgress });
  expect(bytes(files)).toEqual(expected);
  // None twice.
  expect(lent).toEqual([...new Set(lent)]);
  expect(lent).toHaveLength(COUNT);
  expect(fractions[0]).toBeGreaterThan(0.6);
  expect(fractions.at(-1)).toBe(1);
  // Stopped between the last file and its caller's next step: nothing is needed any more, and a mmproj that was taken away is not made.
  rmSync(files.mmproj);
  expect(await convertShards({ ...options, outdir: place, shards: shards(0) })).toEqual(files);
  expect(existsSync(files.mmproj)).toBe(false);
  expect(bytes({ ...files, mmproj: once.mmproj.path })).toEqual(expected);
});

test('who was taken for gone and goes on late does not change what another has finished', async () => {
  let finished: string[] = [];
  const late: Shards = {
    ...shards(),
    async lend(path, work) {
      finished = bytes(await convertShards({ ...options, outdir, shards: shards() }));
      await work(elsewhere(path));
      throw new Error('stopped');
    },
  };
  await expect(convertShards({ ...options, outdir, shards: late })).rejects.toThrow('stopped');
  const paths = ['demo-q8_0.gguf', 'mmproj-demo-f16.gguf'].map((name) => join(outdir, name));
  expect(bytes({ model: paths[0]!, mmproj: paths[1]! })).toEqual(finished);
});

test('what lacks one of its parts is begun anew', async () => {
  await expect(convertShards({ ...options, outdir, shards: shards(2) })).rejects.toThrow('stopped');
  rmSync(join(outdir, 'demo-q8_0.gguf'));
  lent = [];
  await convertShards({ ...options, outdir, shards: shards() });
  expect(lent).toHaveLength(COUNT);
  expect(readdirSync(outdir).sort()).toEqual([
    'demo-q8_0.gguf',
    'done.json',
    'mmproj-demo-f16.gguf',
  ]);
});

test('a file that is not what its header said', async () => {
  const other = join(root, 'other.safetensors');
  const whole = readFileSync(join(weights, 'model-00001-of-00004.safetensors'));
  const at = whole.indexOf('weight"');
  whole.write('height"', at);
  writeFileSync(other, whole);
  const lying: Shards = { ...shards(), lend: (_, work) => work(other) };
  await expect(convertShards({ ...options, outdir, shards: lying })).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringContaining('its header'),
  });
});

test('the writer writes tensors in any order, some at a time, into a file that is there', async () => {
  let files = 0;
  const [once, pieces] = [join(outdir, `${files++}.gguf`), join(outdir, `${files++}.gguf`)];
  const rows = (value: number) => new Uint8Array(new Float32Array(96).fill(value).buffer);
  const begun = async (path: string, mode: 'write' | 'pieces' | 'header') => {
    const writer = new (native().GgufWriter)(path, 1, mode);
    for (const name of ['a', 'b', 'c']) writer.addTensor(name, 'f16', [3, 32]);
    await writer.begin();
    return writer;
  };
  const whole = await begun(once, 'write');
  for (const value of [1, 2, 3]) await whole.write('f32', rows(value));
  await whole.finish();
  await expect(begun(pieces, 'pieces')).rejects.toMatchObject({ code: 'ERR_WRITE' });
  writeFileSync(pieces, '');
  for (const some of [[2, 0], 'header', [1]] as const) {
    const writer = await begun(pieces, some === 'header' ? some : 'pieces');
    if (some === 'header') {
      const refused = expect.objectContaining({ argument: 'rows' });
      expect(() => writer.write('f32', rows(1))).toThrow(refused);
      await writer.finish();
      continue;
    }
    for (const tensor of some) {
      writer.seek(tensor);
      await writer.write('f32', rows(tensor + 1));
    }
    await writer.finish();
  }
  expect(readFileSync(pieces).equals(readFileSync(once))).toBe(true);
  // What is given up stays as it is.
  const given = await begun(pieces, 'pieces');
  await given.write('f32', rows(1).subarray(0, 12));
  const refused = { code: 'ERR_INVALID_ARGUMENT' };
  expect(() => given.seek(1)).toThrow(expect.objectContaining(refused));
  await expect(given.finish()).rejects.toMatchObject(refused);
  await given.dispose();
  expect(readFileSync(pieces).equals(readFileSync(once))).toBe(true);
  const ordinary = await begun(join(outdir, `${files++}.gguf`), 'write');
  expect(() => ordinary.seek(1)).toThrow(expect.objectContaining(refused));
  await ordinary.dispose();
});
