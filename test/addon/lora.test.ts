/** Adapters at run time against checkpoints into which the same change was merged: the demo model, in f32. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convert } from '../../src/convert/convert.js';
import { convertLora } from '../../src/convert/convert-lora.js';
import { quantize } from '../../src/convert/quantize.js';
import { LlavaOneVision, type LoadOptions, type LoraAdapter } from '../../src/index.js';
import { PICTURE, runDemo } from '../support/demo-chats.js';
import { ALL_NAMES, blockModules, type Lora, writeLora, writeMerged } from '../support/lora.js';
import { temporaryFolder } from '../support/tiny-decoder.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);

const ATTENTION = [0, 1, 2].flatMap((block) => blockModules(block, ['q_proj', 'v_proj']));
const EVERYWHERE = [0, 1, 2].flatMap((block) => blockModules(block, ALL_NAMES));

interface Files {
  model: string;
  mmproj: string;
}

async function convertF32(checkpoint: string, name: string): Promise<Files> {
  const outdir = folder.path;
  const options = { outtype: 'f32', mmprojOuttype: 'f32' } as const;
  const { model, mmproj } = await convert({ checkpoint, outdir, name, ...options });
  return { model: model.path, mmproj: mmproj.path };
}

const converted = new Map<string, Promise<Files>>();
/** The demo model with changes merged into it, once per name. */
function merged(
  name: string,
  ...args: Parameters<typeof writeMerged> extends [string, ...infer R] ? R : never
) {
  const files =
    converted.get(name) ??
    writeMerged(at(`checkpoint-${name}`), ...args).then((path) => convertF32(path, name));
  converted.set(name, files);
  return files;
}
const plain = () => merged('plain', []);
const untied = () => merged('untied', [], { isUntied: true });

async function adapter(lora: Lora, name: string): Promise<string> {
  const { adapter } = await convertLora({
    ...{ adapter: lora.folder, outdir: folder.path, name, outtype: 'f32' },
  });
  return adapter.path;
}

/** Log-probabilities of the first tokens of an answer about a picture. */
async function answer(files: Files, options: Partial<LoadOptions> = {}) {
  await using model = await LlavaOneVision.load({
    ...files,
    ...{ contextSize: 4096, threads: 1, kvType: 'f32' },
    ...options,
  });
  const content = [
    { type: 'image' as const, image: PICTURE },
    { type: 'text' as const, text: 'What is shown in this image?' },
  ];
  const steps: Map<number, number>[] = [];
  const stream = model.chat([{ role: 'user', content }], {
    ...{ temperature: 0, repetitionPenalty: 1, maxTokens: 4, topLogprobs: 40 },
  });
  for await (const { top } of stream)
    steps.push(new Map(top!.map(({ token, logprob }) => [token, logprob])));
  return { steps, text: (await stream.result).text };
}

type Answer = Awaited<ReturnType<typeof answer>>;

function distance(a: Answer, b: Answer): number {
  const differences = [...a.steps[0]!].map(([token, logprob]) =>
    Math.abs(logprob - (b.steps[0]!.get(token) ?? Number.NEGATIVE_INFINITY)),
  );
  // The least probable of the list may be others.
  return Math.max(...differences.slice(0, 20));
}

function expectSame(a: Answer, b: Answer): void {
  expect(distance(a, b)).toBeLessThan(2e-3);
  expect(a.text).toBe(b.text);
}

describe('an adapter answers as the merged checkpoint does', () => {
  it.each([1, 0.5, -0.7])('at scale %s', async (scale) => {
    const lora = await writeLora(at('scaled'), { modules: ATTENTION });
    const path = await adapter(lora, 'scaled');
    const factor = () => (scale * 8) / 4;
    const expected = await answer(await merged(`scaled${scale}`, [{ lora, factor }]));
    expectSame(await answer(await plain(), { lora: { path, scale } }), expected);
    expect(distance(await answer(await plain()), expected)).toBeGreaterThan(0.05);
  });

  it('of rank 1, in every matrix of the blocks', async () => {
    const lora = await writeLora(at('one'), {
      modules: EVERYWHERE,
      rank: 1,
      config: { lora_alpha: 1 },
    });
    const expected = await answer(await merged('one', [{ lora, factor: () => 1 }]));
    expectSame(await answer(await plain(), { lora: await adapter(lora, 'one') }), expected);
  });

  it('with rank-stabilised scales', async () => {
    const config = { use_rslora: true, lora_alpha: 3 };
    const lora = await writeLora(at('stable'), { modules: ATTENTION, rank: 8, config });
    const factor = () => 3 / Math.sqrt(8);
    const expected = await answer(await merged('stable', [{ lora, factor }]));
    expectSame(await answer(await plain(), { lora: await adapter(lora, 'stable') }), expected);
  });

  it('with ranks and alphas of their own', async () => {
    const [q0, v0] = blockModules(0, ['q_proj', 'v_proj']) as [string, string];
    const lora = await writeLora(at('patterns'), {
      modules: ATTENTION,
      ranks: {
        [q0]: 3,
        ...Object.fromEntries(ATTENTION.filter((m) => /2.*v_proj/.test(m)).map((m) => [m, 16])),
      },
      config: {
        rank_pattern: { 'layers.0.self_attn.q_proj': 3, 'layers\\.[2-9]\\..*v_proj': 16 },
        alpha_pattern: { [v0]: 20, q_proj: 5 },
      },
    });
    const factor = (module: string) =>
      (module === v0 ? 20 : module.endsWith('q_proj') ? 5 : 8) / lora.pairs.get(module)!.rank;
    const expected = await answer(await merged('patterns', [{ lora, factor }]));
    expectSame(await answer(await plain(), { lora: await adapter(lora, 'patterns') }), expected);
  });

  it('of embedding and head', async () => {
    const modules = ['model.embed_tokens', 'lm_head'];
    const config = { lora_alpha: 2 };
    const lora = await writeLora(at('ends'), { modules, config });
    const factor = () => 0.5;
    const expected = await answer(await merged('ends', [{ lora, factor }], { isUntied: true }));
    const path = await adapter(lora, 'ends');
    expectSame(await answer(await untied(), { lora: path }), expected);
    expect(distance(await answer(await untied()), expected)).toBeGreaterThan(0.05);
  });

  it('two add up, in any order', async () => {
    const first = await writeLora(at('first'), { modules: ATTENTION, seed: 2 });
    const second = await writeLora(at('second'), { modules: EVERYWHERE, rank: 2, seed: 3 });
    const expected = await answer(
      await merged('both', [
        { lora: first, factor: () => 2 * 0.5 },
        { lora: second, factor: () => 4 * 0.25 },
      ]),
    );
    const lora: LoraAdapter[] = [
      { path: await adapter(first, 'first'), scale: 0.5 },
      { path: await adapter(second, 'second'), scale: 0.25 },
    ];
    expectSame(await answer(await plain(), { lora }), expected);
    expectSame(await answer(await plain(), { lora: lora.toReversed() }), expected);
  });
});

describe('an adapter', () => {
  let lora: Lora;
  let path: string;
  beforeAll(async () => {
    lora = await writeLora(at('any'), { modules: EVERYWHERE, seed: 5 });
    path = await adapter(lora, 'any');
  });

  it('at scale 0 changes nothing', async () => {
    expect(await answer(await plain(), { lora: { path, scale: 0 } })).toEqual(
      await answer(await plain()),
    );
  });

  it.each(['q8_0', 'q4_0', 'q4_k_m'] as const)('works on a %s decoder', async (outtype) => {
    const files = await plain();
    const outfile = at(`plain-${outtype}.gguf`);
    if (!existsSync(outfile)) await quantize({ file: files.model, outtype, outfile });
    const quantised = { ...files, model: outfile };
    const expected = await answer(files, { lora: path });
    const actual = await answer(quantised, { lora: path });
    expect(distance(actual, expected)).toBeLessThan(distance(await answer(files), expected));
  });

  it.each(['f16', 'bf16', 'q8_0'] as const)('may be of type %s', async (outtype) => {
    const options = { adapter: lora.folder, outdir: folder.path, name: 'any', outtype };
    const { adapter } = await convertLora(options);
    const expected = await answer(await plain(), { lora: path });
    const actual = await answer(await plain(), { lora: adapter.path });
    expect(distance(actual, expected)).toBeLessThan(0.2);
    expect(distance(await answer(await plain()), expected)).toBeGreaterThan(0.2);
  });

  it('is told, counted and compared', async () => {
    const files = await plain();
    const load = (lora?: LoraAdapter) => LlavaOneVision.load({ ...files, ...(lora && { lora }) });
    await using without = await load();
    await using model = await load({ path, scale: 0.5 });
    expect(model.info.lora).toEqual([{ path, scale: 0.5 }]);
    expect(model.info.memory.weights).toBeGreaterThan(without.info.memory.weights);
  });

  it('belongs to what is saved of a conversation', async () => {
    const files = await plain();
    const session = at('saved.session');
    const open = (lora?: LoraAdapter) =>
      LlavaOneVision.load({ ...files, contextSize: 1024, threads: 1, ...(lora && { lora }) });
    const restored = async (lora?: LoraAdapter) => {
      await using model = await open(lora);
      return (await model.loadSession(session)).isRestored;
    };
    const copy = at('copy.gguf');
    copyFileSync(path, copy);
    {
      await using model = await open({ path });
      const chat = model.session();
      await chat.chat('What is this?', { maxTokens: 2 }).result;
      await chat.save(session);
    }
    expect(await restored({ path: copy })).toBe(true);
    expect(await restored({ path, scale: 0.5 })).toBe(false);
    expect(await restored()).toBe(false);
    const other = await adapter(await writeLora(at('other'), { modules: ATTENTION }), 'other');
    expect(await restored({ path: other })).toBe(false);
  });

  it('is freed with its model, also while it answers', async () => {
    const files = await plain();
    for (let i = 0; i < 3; i++) {
      const model = await LlavaOneVision.load({ ...files, threads: 1, lora: [path, path] });
      const stream = model.chat([{ role: 'user', content: 'Go on' }], { maxTokens: 500 });
      const ended = expect(stream.result).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
      await model.dispose();
      await ended;
    }
  });

  it('leaves a process that ends without disposing alone', async () => {
    const { status, signal } = await runDemo(`
      const model = await load({ lora: ${JSON.stringify(path)} });
      await model.chat(messages, { maxTokens: 2 }).result;
    `);
    expect({ status, signal }).toEqual({ status: 0, signal: null });
  });
});
