// End to end against the reference: prompt ids, visual rows, first-token log-probabilities, greedy answers. On a GPU, where
// scripts/test-vulkan.mjs runs it, log-probabilities of f32 files have the bound of f16: llama.cpp's decoder attends in f16 there.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LlavaOneVision } from '../../src/index.js';
import {
  convertedFiles,
  type GoldenCase,
  goldenCases,
  goldenRows,
  relativeError,
} from '../support/golden.js';

// Rounding may turn an answer whose best two logits are closer than this (golden README).
const SAFE_MARGIN = 0.05;
const BOUNDS = {
  f32: { rows: 1e-4, logprob: 2e-3 },
  f16: { rows: 1e-3, logprob: 2e-2 },
};

const MODELS = [
  ['demo', 'llava-next', 'f32'],
  ['demo', 'llava-next', 'f16'],
  ['tiny384', 'llava-next', 'f32'],
  ['tiny384', 'llava-next', 'f16'],
  ['tiny384', 'transformers', 'f32'],
  ['tiny384', 'transformers', 'f16'],
] as const;

it('every golden case is asked', () => {
  const asked = MODELS.map(([checkpoint, dialect]) => `${checkpoint} ${dialect}`);
  for (const { checkpoint, dialect } of [...goldenCases('demo'), ...goldenCases('tiny384')])
    expect(asked).toContain(`${checkpoint} ${dialect}`);
});

describe.each(MODELS)('%s, dialect %s, %s files', (checkpoint, dialect, type) => {
  let bounds = BOUNDS[type];
  let model: LlavaOneVision;

  beforeAll(async () => {
    const files = await convertedFiles(checkpoint, type);
    model = await LlavaOneVision.load({
      ...files,
      dialect,
      contextSize: 8192,
      kvType: type,
      threads: 1, // small models: several threads would mostly wait for each other
    });
    const { backend, gpuLayers, layers, visionBackend } = model.info;
    if (backend.name === 'cpu') return;
    bounds = { ...bounds, logprob: BOUNDS.f16.logprob };
    expect({ gpuLayers, visionBackend }).toEqual({
      gpuLayers: layers + 1,
      visionBackend: expect.stringMatching(/^(?!CPU)/),
    });
  });
  afterAll(() => model?.dispose());

  it.each(
    goldenCases(checkpoint)
      .filter((golden) => golden.dialect === dialect)
      .map((golden) => [golden.id, golden] as const),
  )('%s', async (_, golden) => {
    await expectPrompt(model, golden);
    await expectRows(model, golden, bounds.rows);
    await expectAnswer(model, golden, bounds.logprob);
  });
});

async function expectPrompt(model: LlavaOneVision, golden: GoldenCase) {
  const rendered = await model.render(golden.messages);
  expect(rendered.prompt).toBe(golden.prompt);
  expect(rendered.rows).toBe(golden.promptRows);
  const expected = golden.promptTokens.slice();
  for (const media of golden.media) {
    expected.splice(expected.indexOf(-200), 1, ...new Array<number>(media.rows).fill(-1));
  }
  expect(Array.from(rendered.tokens)).toEqual(expected);
  expect(rendered.media.map(({ kind, rows }) => ({ kind, rows }))).toEqual(
    golden.media.map(({ kind, rows }) => ({ kind, rows })),
  );
  golden.media.forEach((media, i) => {
    if (!media.grid) return;
    expect(rendered.media[i]?.grid).toEqual({ cols: media.grid[0], rows: media.grid[1] });
  });
}

async function expectRows(model: LlavaOneVision, golden: GoldenCase, bound: number) {
  const embedded = await model.embed(golden.messages);
  expect(embedded.map((media) => media.rows)).toEqual(golden.media.map((media) => media.rows));
  embedded.forEach((media, i) => {
    expect(relativeError(media.data, goldenRows(golden, i))).toBeLessThan(bound);
  });
}

async function expectAnswer(model: LlavaOneVision, golden: GoldenCase, bound: number) {
  const maxTokens = golden.greedy.tokens.length;
  const stream = model.chat(golden.messages, {
    temperature: 0,
    repetitionPenalty: 1,
    maxTokens,
    topLogprobs: 40,
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const result = await stream.result;

  const first = new Map(chunks[0]?.top?.map(({ token, logprob }) => [token, logprob]));
  for (const [token, logprob] of golden.top20) {
    expect(Math.abs((first.get(token) ?? Number.NEGATIVE_INFINITY) - logprob)).toBeLessThan(bound);
  }
  expect(result.usage.promptTokens).toBe(golden.promptRows);
  if (golden.greedy.margins.every((margin) => margin > SAFE_MARGIN)) {
    expect(result.text).toBe(golden.greedy.text);
  }
}
