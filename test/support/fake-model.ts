/** A LlavaOneVision on the fake binding: the whole engine, no files and no addon. */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { CheckedFile } from '../../src/files/checked-file.js';
import { LlavaOneVision } from '../../src/llava-onevision.js';
import { loadEngine } from '../../src/load/load-engine.js';
import { type LoadOptions, resolveLoadOptions } from '../../src/load/load-options.js';
import { type ModelFiles, planLoad } from '../../src/load/load-plan.js';
import type { Message } from '../../src/prompt/messages.js';
import {
  type FakeBinding,
  type FakeBindingOptions,
  fakeAddon,
  fakeBinding,
} from './fake-binding.js';
import { FAKE_TOKENS } from './fake-decoder.js';

/** It is compared, and opened by nobody. */
function someFile(): CheckedFile {
  const path = fileURLToPath(import.meta.url);
  const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
  return { path, identity: [dev, ino, size, mtimeNs].join(' ') };
}

export function fakeFiles(): ModelFiles & { vision: NonNullable<ModelFiles['vision']> } {
  const { nVocab, nVocabUsed, end } = FAKE_TOKENS;
  return {
    decoder: {
      path: 'model.gguf',
      checked: [someFile()],
      ...{ nLayer: 2, nEmbd: 4, nHead: 2, nHeadKv: 1, headDim: 32, nFfn: 8 },
      ...{ nVocab, nVocabUsed, longestToken: 4 },
      nCtxTrain: 4096,
      isTied: true,
      eosTokens: [end],
      sampling: { temperature: 0.7, topK: 20, topP: 0.8, repetitionPenalty: 1.1 },
      ...{ tensorBytes: 1000, layerBytes: [300, 300], headBytes: 400, headType: 'f16' },
    },
    vision: {
      path: 'mmproj.gguf',
      checked: someFile(),
      ...{ imageSize: 8, patchSize: 4, side: 2, nEmbd: 4, nFfn: 8, nHead: 1, nLayer: 1 },
      ...{ nProjection: 4, layerNormEpsilon: 1e-6, tensorBytes: 500, maxTiles: 9 },
      imageMean: [0.5, 0.5, 0.5],
      imageStd: [0.5, 0.5, 0.5],
      pinpoints: [
        { width: 8, height: 8 },
        { width: 16, height: 16 },
      ],
      poolMode: 'bilinear',
      poolStride: 2,
      newlineMode: 'one_token',
      dialect: 'llava-next',
    },
    lora: [],
    fingerprints: { decoder: 'decoder', vision: 'vision', lora: [] },
  };
}

export interface FakeModel {
  model: LlavaOneVision;
  binding: FakeBinding;
}

export async function fakeModel(
  options: FakeBindingOptions = {},
  load: Partial<LoadOptions> & { isTextOnly?: boolean; files?: Partial<ModelFiles> } = {},
): Promise<FakeModel> {
  const binding = fakeBinding(options);
  const { isTextOnly, files: changes, ...rest } = load;
  const settings = resolveLoadOptions({ model: 'model.gguf', contextSize: 4096, ...rest });
  const files = { ...fakeFiles(), ...(isTextOnly ? { vision: null } : {}), ...changes };
  const plan = planLoad(files, settings, fakeAddon(binding, options.backend));
  const engine = await loadEngine(files, plan, { settings, binding });
  return { model: new LlavaOneVision(engine, plan), binding };
}

export function ask(text: string): Message[] {
  return [{ role: 'user', content: text }];
}

/** 16 × 16 pixels: an overview and a grid of 2 × 2 tiles, 4 + 4 × 5 rows. */
export function askAbout(text: string): Message[] {
  const image = { width: 16, height: 16, data: new Uint8Array(16 * 16 * 3) };
  return [
    {
      role: 'user',
      content: [
        { type: 'image', image },
        { type: 'text', text },
      ],
    },
  ];
}

/** Tokens of the prompt around a question. */
const TEMPLATE_TOKENS = 57;

/** Proves that no chat holds a place: prefixes that are kept give all of theirs to new chats. */
export async function expectNothingHeld({ model, binding }: FakeModel): Promise<void> {
  const { contextSize, maxSequences } = model.info;
  const from = binding.steps.length;
  await Promise.all(
    Array.from(
      { length: maxSequences },
      (_, i) => model.chat(ask(`${i}`), { maxTokens: 3 }).result,
    ),
  );
  const widest = Math.max(...binding.steps.slice(from).map((step) => step.length));
  expect(widest).toBe(maxSequences);
  const whole = ask('#'.repeat(contextSize - TEMPLATE_TOKENS));
  const { usage } = await model.chat(whole, { maxTokens: 1 }).result;
  expect(usage.promptTokens).toBe(contextSize);
  expect(binding.cells()).toBeLessThanOrEqual(contextSize);
}

/** The user's text of the last turn, for replies that depend on it. */
export function question(prompt: string): string {
  return /.*<\|im_start\|>user\n([\s\S]*)<\|im_end\|>\n<\|im_start\|>assistant\n$/.exec(
    prompt,
  )![1]!;
}

/** A promise and its resolver. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
