// Freshly drawn questions of the demo's six kinds: the reference's answer wherever rounding cannot turn it.
// LLAVAOV_FULL=1 asks all 600; npm test every fifth of each kind.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { LlavaOneVision, type LoadOptions, type Message } from '../../src/index.js';
import { convertedFiles } from '../support/golden.js';

interface Question {
  id: string;
  images?: string[];
  video?: string[];
  question: string;
  reference: string;
  margin: number;
}

const SAFE_MARGIN = 0.05;
const AT_ONCE = 8;
const DATA = join(import.meta.dirname, '../golden/demo-vqa');
const all = readFileSync(join(DATA, 'questions.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Question);
const questions = process.env.LLAVAOV_FULL ? all : all.filter((_, i) => i % 5 === 0);

let model: LlavaOneVision | undefined;
afterEach(() => model?.dispose());

async function load(options: Partial<LoadOptions>): Promise<LlavaOneVision> {
  const files = await convertedFiles('demo', 'f32');
  // One thread: the model is so small that several would mostly wait for each other.
  const fixed = { contextSize: 8192, kvType: 'f32', threads: 1 } as const;
  model = await LlavaOneVision.load({ ...files, ...fixed, ...options });
  return model;
}

function messagesOf({ images = [], video, question }: Question): Message[] {
  return [
    {
      role: 'user',
      content: [
        ...images.map((image) => ({ type: 'image' as const, image: join(DATA, image) })),
        ...(video
          ? [{ type: 'video' as const, video: video.map((frame) => join(DATA, frame)) }]
          : []),
        { type: 'text', text: question },
      ],
    },
  ];
}

/** The ids of questions that were answered otherwise than by the reference. */
async function ask(model: LlavaOneVision, nAtOnce: number): Promise<string[]> {
  const wrong: string[] = [];
  const queue = questions.filter(({ margin }) => margin > SAFE_MARGIN);
  const worker = async () => {
    for (let question = queue.shift(); question; question = queue.shift()) {
      const options = { temperature: 0, repetitionPenalty: 1, maxTokens: 64 };
      const { text } = await model.chat(messagesOf(question), options).result;
      if (text !== question.reference) wrong.push(`${question.id}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: nAtOnce }, worker));
  return wrong;
}

it('has a hundred questions of each kind, almost all with a safe margin', () => {
  const kinds = all.map(({ id }) => id.replace(/-\d+$/, ''));
  for (const kind of new Set(kinds)) expect(kinds.filter((k) => k === kind)).toHaveLength(100);
  expect(new Set(kinds).size).toBe(6);
  expect(all.filter(({ margin }) => margin > SAFE_MARGIN).length).toBeGreaterThan(570);
});

it('one at a time, without caches', async () => {
  expect(await ask(await load({ visualCacheBytes: 0, prefixCache: false }), 1)).toEqual([]);
});

it('eight at once, then again from the caches', async () => {
  const model = await load({});
  expect(await ask(model, AT_ONCE)).toEqual([]);
  expect(await ask(model, AT_ONCE)).toEqual([]);
});
