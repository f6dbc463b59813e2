// Every file that we make, given to llama.cpp's own programs: its loader, llama-quantize, gguf-split and libmtmd.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeThreadPool } from '../../src/binding.js';
import { type ConvertOptions, convert } from '../../src/convert/convert.js';
import { convertLora } from '../../src/convert/convert-lora.js';
import { LORA_OUTTYPES } from '../../src/convert/lora-plan.js';
import { mmprojOuttypes, type Outtype, outtypes } from '../../src/convert/outtypes.js';
import { quantize } from '../../src/convert/quantize.js';
import { type GgufFile, readGguf } from '../../src/gguf/reader.js';
import { LlavaOneVision, type LoadOptions } from '../../src/index.js';
import { readVisionConfig } from '../../src/vision/vision-config.js';
import { type CheckpointName, convertedFiles } from '../support/golden.js';
import { demoImportances, ggufImatrix, needImportance } from '../support/imatrix.js';
import {
  hasPrograms,
  ourRows,
  relativeDifference,
  runProgram,
  tileOf,
} from '../support/interop.js';
import { ALL_NAMES, blockModules, writeLora } from '../support/lora.js';
import { skipUnless } from '../support/skip-unless.js';
import { temporaryFolder } from '../support/tiny-decoder.js';

const checkpoint = join(import.meta.dirname, '../../demo/checkpoint');
const folder = temporaryFolder();
const imatrix = join(folder.path, 'imatrix.gguf');
writeFileSync(imatrix, ggufImatrix(demoImportances()));
let pool: NativeThreadPool;
beforeAll(() => {
  pool = new (native().ThreadPool)(2);
});
afterAll(async () => {
  await pool.dispose();
  folder.remove();
});

const MESSAGES = [{ role: 'user' as const, content: 'What color is the shape?' }];
const N_TOKENS = 8;

const needsImatrix = (outtype: Outtype) => needImportance.includes(outtype);
const withImatrix = (outtype: Outtype) => (needsImatrix(outtype) ? { imatrix } : {});
const convertDemo = (outtype: Outtype, more: Partial<ConvertOptions> = {}) =>
  convert({ checkpoint, outdir: folder.path, name: 'demo', outtype, ...more });

const converted = new Map<Outtype, ReturnType<typeof convertDemo>>();
/** Made once: some types take half a minute. */
function demo(outtype: Outtype): ReturnType<typeof convertDemo> {
  const files = converted.get(outtype) ?? convertDemo(outtype, withImatrix(outtype));
  converted.set(outtype, files);
  return files;
}

/** Ids of the prompt, and of the greedy answer with the token that ends it. */
async function llamaAnswer(
  model: string,
  prompt: string,
  adapters: string[] = [],
): Promise<number[][]> {
  const output = await runProgram(
    'llava-onevision-read-decoder',
    [model, String(N_TOKENS), ...adapters],
    {
      stdin: prompt,
    },
  );
  return output
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
}

async function ourAnswer(files: Pick<LoadOptions, 'model' | 'mmproj' | 'lora'>) {
  const model = await LlavaOneVision.load({ ...files, contextSize: 512, threads: 1 });
  const { prompt, tokens } = await model.render(MESSAGES);
  const options = { temperature: 0, repetitionPenalty: 1, maxTokens: N_TOKENS };
  const answer = await model.chat(MESSAGES, options).result;
  await model.dispose();
  return { prompt, tokens: Array.from(tokens), answer: Array.from(answer.tokens) };
}

function dataOf(file: GgufFile): Map<string, [type: string, shape: number[], data: Buffer]> {
  const bytes = readFileSync(file.path);
  return new Map(
    file.tensors.map(({ name, type, shape, offset, bytes: length }) => [
      name,
      [type, shape, bytes.subarray(offset, offset + length)],
    ]),
  );
}

async function expectSameTensors(path: string, expected: string) {
  const [actual, wanted] = [dataOf(await readGguf(path)), dataOf(await readGguf(expected))];
  expect([...actual.keys()].sort()).toEqual([...wanted.keys()].sort());
  for (const [name, [type, shape, data]] of wanted) {
    expect(actual.get(name)!.slice(0, 2), name).toEqual([type, shape]);
    expect(actual.get(name)![2].equals(data), name).toBe(true);
  }
}

const built = skipUnless(hasPrograms, 'needs npm run test:interop');

describe("llama.cpp's loader", built, () => {
  it.each(outtypes)('answers with a decoder in %s as we do', async (outtype) => {
    const { model, mmproj } = await demo(outtype);
    const ours = await ourAnswer({ model: model.path, mmproj: mmproj.path });
    const [prompt, answer] = await llamaAnswer(model.path, ours.prompt);
    expect(prompt).toEqual(ours.tokens);
    expect(answer).toEqual(ours.answer);
  });

  it.each(LORA_OUTTYPES)('applies an adapter in %s as we do', async (outtype) => {
    const { path } = (await demo('f32')).model;
    const modules = [0, 1, 2].flatMap((block) => blockModules(block, ALL_NAMES));
    const { folder: source } = await writeLora(join(folder.path, 'lora'), { modules });
    const { adapter } = await convertLora({ adapter: source, outdir: folder.path, outtype });
    const ours = await ourAnswer({ model: path, lora: adapter.path });
    expect(await llamaAnswer(path, ours.prompt, [adapter.path])).toEqual([
      ours.tokens,
      ours.answer,
    ]);
    expect(ours.answer).not.toEqual((await ourAnswer({ model: path })).answer);
  });

  it('opens a split decoder by its first file', async () => {
    const whole = await demo('f16');
    const { model, mmproj } = await convertDemo('f16', {
      outdir: join(folder.path, 'split'),
      splitMaxSize: 1_000_000,
    });
    const { prompt, tokens } = await ourAnswer({ model: model.path, mmproj: mmproj.path });
    const answer = await llamaAnswer(model.path, prompt);
    expect(answer[0]).toEqual(tokens);
    expect(answer).toEqual(await llamaAnswer(whole.model.path, prompt));
    const merged = join(folder.path, 'merged.gguf');
    await runProgram('llama-gguf-split', ['--merge', model.path, merged]);
    await expectSameTensors(merged, whole.model.path);
  });
});

describe('llama-quantize makes of our file what we make of it', built, () => {
  /** @returns the path of llama-quantize's file. */
  async function theirs(source: string, outtype: Outtype): Promise<string> {
    const path = join(folder.path, 'theirs.gguf');
    // The file's name as given is recorded, so it is given without a folder.
    const options = needsImatrix(outtype) ? ['--imatrix', basename(imatrix)] : [];
    const args = [...options, source, path, outtype.toUpperCase()];
    await runProgram('llama-quantize', args, { cwd: folder.path });
    return path;
  }

  async function expectSameFiles(path: string, expected: string) {
    await expectSameTensors(path, expected);
    const [a, b] = [await readGguf(path), await readGguf(expected)];
    expect(Object.fromEntries(a.metadata)).toEqual(Object.fromEntries(b.metadata));
  }

  it.each(outtypes.slice(1))('f32 to %s, by converting', async (outtype) => {
    const { path } = (await demo('f32')).model;
    await expectSameFiles(await theirs(path, outtype), (await demo(outtype)).model.path);
  });

  const sources: Outtype[] = ['f32', 'f16', 'bf16'];
  const types: Outtype[] = ['q8_0', 'q6_k', 'q4_k_m', 'q4_0', 'iq4_nl'];
  it.each(sources.flatMap((source) => types.map((type) => [source, type] as const)))(
    '%s to %s, by quantising',
    async (source, outtype) => {
      const { path } = (await demo(source)).model;
      const outfile = join(folder.path, 'ours.gguf');
      await quantize({ file: path, outtype, outfile });
      await expectSameFiles(await theirs(path, outtype), outfile);
    },
  );

  it('a split one', async () => {
    const whole = await demo('q4_k_m');
    const outdir = join(folder.path, 'split-f32');
    mkdirSync(outdir);
    const { model } = await convertDemo('f32', { outdir, splitMaxSize: 2_000_000 });
    expect(model.parts!.length).toBeGreaterThan(2);
    await expectSameTensors(await theirs(model.path, 'q4_k_m'), whole.model.path);
  });

  it('an mmproj, which opens here', async () => {
    const { mmproj } = await convertedFiles('demo', 'f32');
    const path = join(folder.path, 'mmproj-theirs.gguf');
    await runProgram('llama-quantize', [mmproj, path, 'Q8_0']);
    const tile = tileOf((await readVisionConfig(mmproj)).imageSize);
    const [theirs, ours] = [await ourRows(path, tile, pool), await ourRows(mmproj, tile, pool)];
    expect(relativeDifference(theirs, ours)).toBeLessThan(2e-2);
  });
});

describe('libmtmd', built, () => {
  // The towers' differences are those of docs/interop.md; both round activations to the type of the weights.
  const bounds = { f32: 1e-3, f16: 1e-3, bf16: 2e-2, q8_0: 2e-2, q4_0: 2e-2 };
  const cases = (['demo', 'tiny384'] as const).flatMap((name) =>
    mmprojOuttypes.map((type): [CheckpointName, typeof type] => [name, type]),
  );

  it.each(cases)('encodes a picture with the mmproj of %s in %s as we do', async (name, type) => {
    const { model, mmproj } = await convertedFiles(name, type);
    const { imageSize, nProjection } = await readVisionConfig(mmproj);
    const tile = tileOf(imageSize);
    const [picture, output] = [join(folder.path, 'picture.rgb'), join(folder.path, 'rows.f32')];
    writeFileSync(picture, tile);
    const counts = await runProgram('llava-onevision-encode-picture', [
      model,
      mmproj,
      picture,
      String(imageSize),
      output,
    ]);
    const ours = await ourRows(mmproj, tile, pool);
    const nRows = ours.length / nProjection;
    const tiles = counts.trim().split('\n').map(Number);
    expect(new Set(tiles)).toEqual(new Set([nRows]));
    const rows = new Float32Array(new Uint8Array(readFileSync(output)).buffer);
    expect(rows).toHaveLength(tiles.length * ours.length);
    // Of a picture as large as a tile the overview, which comes last, is the picture.
    expect(relativeDifference(rows.slice(-ours.length), ours)).toBeLessThan(bounds[type]);
  });
});
