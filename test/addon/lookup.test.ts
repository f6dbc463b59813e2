/** Answers of the demonstration model with guessed tokens and without: the same, in every type that is published. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChatOptions, LlavaOneVision, type Message } from '../../src/index.js';
import { demoMessages } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';

const LOOKUP = 12;
/** Without these ids no answer ends, and soon it repeats itself. */
const ENDLESS = { 1256: -Infinity, 1258: -Infinity };
const SCHEMA = {
  type: 'array',
  items: {
    type: 'object',
    properties: { name: { enum: ['red', 'blue'] }, count: { type: 'integer' } },
    required: ['name', 'count'],
    additionalProperties: false,
  },
  minItems: 4,
};
const TYPES = ['f32', 'f16', 'q8_0'] as const;

/** A model, and conversations in which a question comes again, so that its answer can be looked up. */
function opened(type: (typeof TYPES)[number]) {
  const state = { model: undefined as unknown as LlavaOneVision, conversations: [] as Message[][] };
  beforeAll(async () => {
    const kvType = type === 'f32' ? 'f32' : 'f16';
    const options = { contextSize: 4096, threads: 1, kvType, prefixCache: false } as const;
    state.model = await LlavaOneVision.load({
      ...(await convertedFiles('demo', type)),
      ...options,
    });
    for (const messages of demoMessages(3)) {
      const { text } = await state.model.chat(messages, { maxTokens: 64 }).result;
      const question: Message = { role: 'user', content: 'Describe the image.' };
      const answer: Message = { role: 'assistant', content: text };
      state.conversations.push([...messages, answer, question, answer, question]);
    }
  });
  afterAll(() => state.model.dispose());

  async function run(messages: Message[], options: ChatOptions) {
    const stream = state.model.chat(messages, { maxTokens: 64, topLogprobs: 1, ...options });
    const logprobs: number[] = [];
    for await (const { logprob } of stream) logprobs.push(logprob!);
    const { text, tokens, usage, finishReason } = await stream.result;
    return { shown: { text, tokens, finishReason }, logprobs, usage };
  }

  /** @returns how many guesses were right */
  async function compare(messages: Message[], options: ChatOptions = {}): Promise<number> {
    const expected = await run(messages, options);
    const given = await run(messages, { ...options, lookup: LOOKUP });
    expect(given.shown).toEqual(expected.shown);
    const differences = given.logprobs.map((value, i) => Math.abs(value - expected.logprobs[i]!));
    // The rounding of several rows at once, in the types that round activations.
    expect(Math.max(...differences)).toBeLessThan(type === 'f32' ? 1e-4 : 0.1);
    return given.usage.acceptedTokens!;
  }

  return { state, run, compare };
}

describe.each(TYPES)('%s', (type) => {
  const { state, compare } = opened(type);

  it.each<[string, ChatOptions]>([
    ['greedy', {}],
    ['sampled', { temperature: 0.7, seed: 5, presencePenalty: 0.1 }],
  ])('%s answers are those without guesses', async (_, options) => {
    let accepted = 0;
    for (const messages of state.conversations) accepted += await compare(messages, options);
    expect(accepted).toBeGreaterThan(3);
  });
});

describe('exactly, in f32:', () => {
  const { state, run, compare } = opened('f32');

  it('long answers, which repeat themselves', async () => {
    const options = { logitBias: ENDLESS, maxTokens: 150 };
    const [first, second] = state.conversations;
    expect(await compare(first!, options)).toBeGreaterThan(50);
    const drawn = { ...options, temperature: 1, seed: 2, repetitionPenalty: 1.02 };
    expect(await compare(second!, drawn)).toBeGreaterThan(5);
  });

  it('answers in a shape, and up to a stop string', async () => {
    const responseFormat = { type: 'json_schema', schema: SCHEMA } as const;
    const [first, second] = state.conversations;
    expect(await compare(first!, { responseFormat, maxTokens: 100 })).toBeGreaterThan(5);
    const whole = (await run(second!, {})).shown.text;
    const stop = whole
      .slice(Math.floor(whole.length / 2))
      .trim()
      .slice(0, 4);
    await compare(second!, { stop });
  });

  it('several at once, and with what earlier ones have left', async () => {
    const files = await convertedFiles('demo', 'f32');
    const options = { threads: 1, kvType: 'f32', contextSize: 4096, lookup: LOOKUP } as const;
    const other = await LlavaOneVision.load({ ...files, ...options });
    const alone: string[] = [];
    for (const messages of state.conversations) alone.push((await run(messages, {})).shown.text);
    for (let i = 0; i < 2; i++) {
      const chats = state.conversations.map((messages) => other.chat(messages, { maxTokens: 64 }));
      const together = await Promise.all(chats.map(({ result }) => result));
      expect(together.map(({ text }) => text)).toEqual(alone);
      const accepted = together.reduce((sum, { usage }) => sum + usage.acceptedTokens!, 0);
      expect(accepted).toBeGreaterThan(0);
    }
    await other.dispose();
  });
});
