/** Every type a decoder can be made in: it opens, keeps the values as well as the type allows, whoever makes it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConvertOptions, convert } from '../../src/convert/convert.js';
import { convertLora } from '../../src/convert/convert-lora.js';
import { LORA_OUTTYPES } from '../../src/convert/lora-plan.js';
import { fileType, mmprojOuttypes, type Outtype, outtypes } from '../../src/convert/outtypes.js';
import { quantize } from '../../src/convert/quantize.js';
import { readDecoderFile } from '../../src/gguf/decoder-file.js';
import { type GgufFile, readGguf } from '../../src/gguf/reader.js';
import { readVisionConfig } from '../../src/vision/vision-config.js';
import { writeSmallCheckpoint } from '../fuzz/small-checkpoint.mjs';
import { f32ToFloats } from '../support/floats.js';
import { expectHubReadsTheSame } from '../support/hub-parser.js';
import {
  demoImportances,
  ggufImatrix,
  needImportance,
  someImportance,
} from '../support/imatrix.js';
import { ALL_NAMES, blockModules, writeLora } from '../support/lora.js';
import { testNastyRows } from '../support/nasty-rows.js';

const checkpoint = join(import.meta.dirname, '../../demo/checkpoint');

let dir: string;
let imatrix: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'outtypes-'));
  imatrix = join(dir, 'imatrix.gguf');
  writeFileSync(imatrix, ggufImatrix(demoImportances()));
});
afterAll(() => rmSync(dir, { recursive: true }));

const convertDemo = (outtype: Outtype, more: Partial<ConvertOptions> = {}) =>
  convert({ checkpoint, outdir: dir, name: 'demo', outtype, ...more });

function dataOf(file: GgufFile, name: string): Buffer {
  const { offset, bytes } = file.tensors.find((tensor) => tensor.name === name)!;
  return readFileSync(file.path).subarray(offset, offset + bytes);
}

/** Relative error of a matrix after a round trip through a type. */
function errorOf(name: string, original: GgufFile, back: GgufFile): number {
  const [a, b] = [original, back].map((file) => f32ToFloats(dataOf(file, name)));
  const norm = a!.reduce((sum, value) => sum + value ** 2, 0);
  return Math.sqrt(a!.reduce((sum, value, i) => sum + (value - b![i]!) ** 2, 0) / norm);
}

/** Bits that keep values, per weight of most matrices, by the name. */
const bits = (outtype: string) =>
  ({ f: 12, bf: 9 })[/^b?f(?=\d)/.exec(outtype)?.[0] ?? ''] ?? Number(/\d/.exec(outtype)![0]);

/** Half of the demo's matrices: the searches of some types take seconds for each megabyte. */
const SMALL = { width: 256, ffn: 256, nHead: 4, nHeadKv: 2, nLayer: 2 };

describe('a decoder in', () => {
  let small: Pick<ConvertOptions, 'checkpoint' | 'outdir'>;
  let importances: string;
  let original: GgufFile;
  beforeAll(async () => {
    small = { checkpoint: join(dir, 'small'), outdir: join(dir, 'decoders') };
    writeSmallCheckpoint(small.checkpoint, SMALL);
    importances = join(dir, 'small.imatrix.gguf');
    writeFileSync(importances, ggufImatrix(demoImportances(SMALL.ffn)));
    original = await readGguf((await convert({ ...small, outtype: 'f32' })).model.path);
  });

  test.each(outtypes)('%s', async (outtype) => {
    const more = needImportance.includes(outtype) ? { imatrix: importances } : {};
    const { model } = await convert({ ...small, name: 'made', outtype, ...more });
    const { gguf } = await readDecoderFile(model.path);
    await expectHubReadsTheSame(model.path);
    expect(gguf.metadata.get('general.file_type')).toBe(fileType(outtype));
    expect(gguf.metadata.has('quantize.imatrix.file')).toBe('imatrix' in more);
    const back = await quantize({
      file: model.path,
      outtype: 'f32',
      outfile: join(dir, 'back.gguf'),
      allowRequantize: true,
    });
    const error = errorOf('blk.1.ffn_up.weight', original, await readGguf(back.path));
    // Each bit halves the steps; ternary and one-bit types keep little more than signs.
    expect(error).toBeLessThan(bits(outtype) < 3 ? 0.85 : 0.9 * 2 ** (2 - bits(outtype)));
    if (outtype !== 'f32') expect(error).toBeGreaterThan(0);
  });
});

testNastyRows('with tables', 0);

test.each(mmprojOuttypes)("an mmproj in %s as the hub's parser reads it", async (mmprojOuttype) => {
  const { mmproj } = await convertDemo('f16', { mmprojOuttype });
  await expectHubReadsTheSame(mmproj.path);
});

test("the files of a split decoder as the hub's parser reads them", async () => {
  const { model } = await convertDemo('f16', { splitMaxSize: 1_000_000 });
  expect(model.parts!.length).toBeGreaterThan(2);
  for (const { path } of model.parts!) await expectHubReadsTheSame(path);
});

test.each(LORA_OUTTYPES)("an adapter in %s as the hub's parser reads it", async (outtype) => {
  const modules = blockModules(0, ALL_NAMES);
  const { folder } = await writeLora(join(dir, 'lora'), { modules });
  const { adapter } = await convertLora({ adapter: folder, outdir: dir, outtype });
  await expectHubReadsTheSame(adapter.path);
});

test.each(needImportance)(
  '%s is refused without importances, and with an imatrix that lacks some',
  async (outtype) => {
    await expect(convertDemo(outtype)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'imatrix',
    });
    const { 'blk.1.attn_q.weight': _, ...rest } = demoImportances();
    const path = join(dir, 'lacking.gguf');
    writeFileSync(path, ggufImatrix(rest));
    if (outtype === 'q2_k_s' || outtype.startsWith('iq3') || outtype.startsWith('iq2'))
      await expect(convertDemo(outtype, { imatrix: path })).rejects.toMatchObject({
        code: 'ERR_MODEL_LOAD',
        message: expect.stringContaining("'blk.1.attn_q.weight'"),
      });
  },
);

test('importances of another width are refused, and change what is stored', async () => {
  const path = join(dir, 'narrow.gguf');
  writeFileSync(path, ggufImatrix({ 'blk.0.attn_q.weight': someImportance(128, 1) }));
  await expect(convertDemo('q4_k_m', { imatrix: path })).rejects.toThrow(/128 importances.*256/);
  const plain = await readGguf(
    (await convertDemo('q4_k_m', { outdir: join(dir, 'a') })).model.path,
  );
  const weighed = await readGguf(
    (await convertDemo('q4_k_m', { outdir: join(dir, 'b'), imatrix })).model.path,
  );
  const [a, b] = [plain, weighed].map((file) => dataOf(file, 'blk.0.attn_q.weight'));
  expect(a!.equals(b!)).toBe(false);
});

test('an imatrix that has no part in the file is told of and not named there', async () => {
  const { notes, model } = await convertDemo('bf16', { imatrix });
  expect(notes.join()).toContain(`${imatrix} has no part`);
  expect((await readGguf(model.path)).metadata.has('quantize.imatrix.file')).toBe(false);
});

describe('quantize', () => {
  test('gives the tensors that converting with the type gives', async () => {
    const full = await convertDemo('f32', { mmprojOuttype: 'f32' });
    const direct = await convertDemo('q4_k_m', {
      mmprojOuttype: 'q8_0',
      outdir: join(dir, 'direct'),
    });
    for (const [part, outtype] of [
      ['model', 'q4_k_m'],
      ['mmproj', 'q8_0'],
    ] as const) {
      const { path } = await quantize({ file: full[part].path, outtype, verify: true });
      expect(path).toBe(full[part].path.replace('f32', outtype));
      const [a, b] = [await readGguf(direct[part].path), await readGguf(path)];
      for (const { name, type } of a.tensors) {
        expect(b.tensors.find((tensor) => tensor.name === name)!.type, name).toBe(type);
        expect(dataOf(b, name).equals(dataOf(a, name)), name).toBe(true);
      }
      const sorted = ({ metadata }: GgufFile) => [...metadata].sort(([x], [y]) => (x < y ? -1 : 1));
      expect(sorted(b)).toEqual(sorted(a));
    }
  });

  test('reads a split decoder and cuts one', async () => {
    const whole = await convertDemo('f16');
    const split = await quantize({
      file: whole.model.path,
      outtype: 'f16',
      outfile: join(dir, 'cut.gguf'),
      splitMaxSize: 1_000_000,
    });
    expect(split.parts!.length).toBeGreaterThan(3);
    const joined = await quantize({
      file: split.path,
      outtype: 'f16',
      outfile: join(dir, 'whole.gguf'),
    });
    const [a, b] = [await readGguf(whole.model.path), await readGguf(joined.path)];
    expect(b.tensors.map(({ name }) => name)).toEqual(a.tensors.map(({ name }) => name));
    const data = (file: GgufFile) => readFileSync(file.path).subarray(file.tensors[0]!.offset);
    expect(data(b).equals(data(a))).toBe(true);
    expect([...b.metadata.keys()].some((key) => key.startsWith('split.'))).toBe(false);
  });

  test('refuses what loses twice, what is no type, and its own input', async () => {
    const { model, mmproj } = await convertDemo('q8_0', { mmprojOuttype: 'f16' });
    await expect(quantize({ file: model.path, outtype: 'q4_0' })).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
      message: expect.stringMatching(/q8_0 already.*`allowRequantize`/s),
    });
    const bad = { code: 'ERR_INVALID_ARGUMENT' };
    await expect(quantize({ file: mmproj.path, outtype: 'q4_k_m' })).rejects.toMatchObject(bad);
    await expect(quantize({ file: model.path, outtype: 'q8_0' })).rejects.toMatchObject(bad);
    const outtype = 'q9' as Outtype;
    await expect(quantize({ file: model.path, outtype })).rejects.toMatchObject(bad);
    await expect(quantize({ file: imatrix, outtype: 'f16' })).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
    });
  });

  test('says when an imatrix has no part in a file, and does not name it there', async () => {
    const { model, mmproj } = await convertDemo('f16');
    for (const [file, outtype] of [
      [mmproj.path, 'q4_0'],
      [model.path, 'bf16'],
    ] as const) {
      const made = await quantize({ file, outtype, imatrix });
      expect(made.notes.join()).toContain(`${imatrix} has no part`);
      const keys = [...(await readGguf(made.path)).metadata.keys()];
      expect(keys.filter((key) => key.startsWith('quantize.imatrix'))).toEqual([]);
    }
    const used = await quantize({ file: model.path, outtype: 'q4_k_m', imatrix });
    expect(used.notes.join()).not.toContain(imatrix);
    expect((await readGguf(used.path)).metadata.has('quantize.imatrix.file')).toBe(true);
  });

  test('pads the FFN of an mmproj once', async () => {
    const { mmproj } = await convertDemo('f32', { mmprojOuttype: 'f32' });
    const small = await quantize({ file: mmproj.path, outtype: 'q4_0' });
    expect(await readVisionConfig(small.path)).toMatchObject({ nFfn: 320 });
    const again = await quantize({ file: small.path, outtype: 'f16', allowRequantize: true });
    const file = await readGguf(again.path);
    expect(file.metadata.get('llavaov.ffn_length')).toBe(304);
    expect(await readVisionConfig(again.path)).toMatchObject({ nFfn: 320 });
  });
});
