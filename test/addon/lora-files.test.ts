/** Adapter files as they come: good ones of every type compute, bad ones are refused, none ends the process. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { LlavaError } from '../../src/errors.js';
import { ggmlTypes } from '../../src/gguf/ggml-types.js';
import { checkLoraFits, readLoraFile } from '../../src/gguf/lora-file.js';
import { LlavaOneVision } from '../../src/index.js';
import { createRandom, fuzzSeconds, fuzzSeed, mutate } from '../support/fuzz.js';
import { ggufBytes } from '../support/gguf.js';
import { foreignLoras, loraGguf, malformedLoras } from '../support/lora-gguf.js';
import {
  CONTEXT_OPTIONS,
  GREEDY,
  modelOptions,
  TINY,
  temporaryFolder,
  writeTinyDecoder,
} from '../support/tiny-decoder.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);
const decoder = at('decoder.gguf');
const adapter = at('adapter.gguf');
beforeAll(async () => {
  await writeTinyDecoder(decoder, { untied: true });
});

/** Loads past all checks of files but our own, and computes. */
async function step(model: string, adapters: string[], scales = adapters.map(() => 1)) {
  const binding = native();
  const loaded = await binding.loadModel({ ...modelOptions(model), adapters }, null, null);
  const pool = new binding.ThreadPool(1);
  try {
    const adapterScales = Float32Array.from(scales);
    const options = { ...CONTEXT_OPTIONS, adapterScales };
    const context = await binding.createContext(loaded, pool, options);
    const sampler = new binding.Sampler(loaded, { ...GREEDY, nTop: 5 });
    const data = Int32Array.of(1, 2, 3);
    try {
      return await context.step([{ sequence: 0, position: 0, data, sampler }]);
    } finally {
      await sampler.dispose();
      await context.dispose();
    }
  } finally {
    await pool.dispose();
    await loaded.dispose();
  }
}

describe('the addon', () => {
  it('applies adapters by their scales', async () => {
    writeFileSync(adapter, ggufBytes(loraGguf()));
    const plain = await step(decoder, []);
    expect(await step(decoder, [adapter], [0])).toEqual(plain);
    expect(await step(decoder, [adapter])).not.toEqual(plain);
    const halves = await step(decoder, [adapter, adapter], [0.5, 0.5]);
    const whole = await step(decoder, [adapter]);
    expect(halves[0]!.topTokens).toEqual(whole[0]!.topTokens);
    expect(halves[0]!.logprob).toBeCloseTo(whole[0]!.logprob, 4);
  });

  it.each([
    ['no scale', [], /a scale for each of 1 adapters/],
    ['two scales', [1, 1], /a scale for each of 1 adapters/],
    ['a scale that is none', [Number.NaN], /finite/],
  ])('refuses %s', async (_, scales, message) => {
    writeFileSync(adapter, ggufBytes(loraGguf()));
    await expect(step(decoder, [adapter], scales)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });

  it('names the file that it cannot load', async () => {
    const path = at('missing.gguf');
    await expect(step(decoder, [path])).rejects.toMatchObject({ code: 'ERR_MODEL_LOAD', path });
    const options = { ...modelOptions(decoder), vocabOnly: true, adapters: [adapter] };
    await expect(native().loadModel(options, null, null)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
  });

  it('computes with matrices of every type', async () => {
    const sizes = { nEmbd: 256, nHead: 8, nHeadKv: 4, nFfn: 256 };
    const wide = await writeTinyDecoder(at('wide.gguf'), { untied: true, sizes });
    const types = [...ggmlTypes.values()].filter(({ isWeight }) => isWeight);
    for (const { name: type } of types) {
      const names = ['token_embd.weight', 'blk.0.attn_q.weight', 'output.weight'];
      const rows = (name: string) => (name === 'output.weight' ? TINY.nVocab : 256);
      const tensors = names.flatMap((name) => [
        {
          ...{ name: `${name}.lora_a`, type },
          shape: [256, name === 'token_embd.weight' ? TINY.nVocab : 256],
        },
        { name: `${name}.lora_b`, shape: [256, rows(name)], type },
      ]);
      writeFileSync(adapter, ggufBytes({ ...loraGguf(), tensors }));
      const lora = await readLoraFile(adapter);
      checkLoraFits(lora, { ...TINY, ...sizes, path: wide, isTied: false });
      // Of zeros, whatever the type.
      expect((await step(wide, [adapter]))[0]!.logprob, type).toBeCloseTo(
        (await step(wide, []))[0]!.logprob,
        4,
      );
    }
  });
});

test.each([...malformedLoras, ...foreignLoras])(
  'load refuses $what',
  async ({ bytes, message }) => {
    writeFileSync(adapter, bytes);
    const error = await LlavaOneVision.load({ model: decoder, lora: adapter }).catch((e) => e);
    expect(error).toMatchObject({ name: 'LlavaError', code: 'ERR_MODEL_LOAD', path: adapter });
    expect(error.message).toMatch(message);
  },
);

test('load refuses the embedding of a tied decoder, which llama.cpp aborts on', async () => {
  const tied = await writeTinyDecoder(at('tied.gguf'));
  const file = loraGguf();
  file.tensors = file.tensors.filter(({ name }) => name.startsWith('token_embd'));
  writeFileSync(adapter, ggufBytes(file));
  await expect(LlavaOneVision.load({ model: tied, lora: adapter })).rejects.toMatchObject({
    code: 'ERR_MODEL_LOAD',
    path: adapter,
  });
});

test('load refuses what is no adapter, and says which file is missing', async () => {
  for (const lora of [decoder, at('missing.gguf')])
    await expect(LlavaOneVision.load({ model: decoder, lora })).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
      path: lora,
    });
});

test(
  'changed files are refused or computed with',
  async () => {
    const random = createRandom(fuzzSeed);
    const original = ggufBytes(loraGguf());
    const outcomes = { computed: 0, refused: 0 };
    const end = performance.now() + fuzzSeconds * 1000;
    // On a slow machine until both were tried.
    const isEnough = () => outcomes.refused > 20 && outcomes.computed > 5;
    for (let i = 0; performance.now() < end || !isEnough(); i++) {
      const bytes = mutate(original, i % 4 ? 1000 : original.length, random);
      writeFileSync(adapter, bytes);
      try {
        checkLoraFits(await readLoraFile(adapter), { ...TINY, path: decoder, isTied: false });
      } catch (error) {
        if (!(error instanceof LlavaError)) throw error;
        outcomes.refused++;
        continue;
      }
      // Values that are no numbers make logits that are none.
      await step(decoder, [adapter]).catch((error) => expect(error.code).toBe('ERR_DECODE'));
      outcomes.computed++;
    }
  },
  fuzzSeconds * 1000 + 60_000,
);
