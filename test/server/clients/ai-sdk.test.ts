// Vercel's AI SDK, unmodified, by both of its providers for servers like this one.
import { readFileSync } from 'node:fs';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  generateText,
  jsonSchema,
  type ModelMessage,
  Output,
  stepCountIs,
  streamText,
  tool,
} from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { clipFolder, hasFfmpeg, makeClip } from '../../media/drawn-clip.js';
import { bytesOf, type DemoServer, demoServer, drawn, KEY } from '../../support/demo-server.js';
import { skipUnless } from '../../support/skip-unless.js';

let server: DemoServer;
const shape = drawn('shape');
const pair = drawn('pair');
const clips = clipFolder();

beforeAll(async () => {
  server = await demoServer();
});
afterAll(async () => {
  await server.close();
  clips.remove();
});

const compatible = () =>
  createOpenAICompatible({
    ...{ name: 'llava', baseURL: server.base, apiKey: KEY },
    ...{ includeUsage: true, supportsStructuredOutputs: true },
  })('demo');
const MODELS = [
  ['@ai-sdk/openai-compatible', compatible],
  ['@ai-sdk/openai, chat', () => createOpenAI({ baseURL: server.base, apiKey: KEY }).chat('demo')],
  ['@ai-sdk/openai, responses', () => createOpenAI({ baseURL: server.base, apiKey: KEY })('demo')],
] as const;

function asked(question: { images: string[]; question: string }): ModelMessage[] {
  const pictures = question.images.map((url) => ({
    ...{ type: 'file' as const, mediaType: 'image/png', data: bytesOf(url) },
  }));
  return [{ role: 'user', content: [...pictures, { type: 'text', text: question.question }] }];
}

const GREEDY = { temperature: 0, maxOutputTokens: 32, maxRetries: 0 };

describe.each(MODELS)('%s', (_name, model) => {
  it.each([shape, pair])('generateText answers as the reference does: $id', async (question) => {
    const { text, usage, finishReason } = await generateText({
      ...{ model: model(), messages: asked(question), ...GREEDY },
    });
    expect(text).toBe(question.reference);
    expect(finishReason).toBe('stop');
    expect(usage.inputTokens).toBeGreaterThan(20);
  });

  it('streamText streams it, with the usage', async () => {
    const result = streamText({ model: model(), messages: asked(shape), ...GREEDY });
    const pieces: string[] = [];
    for await (const piece of result.textStream) pieces.push(piece);
    expect(pieces.join('')).toBe(shape.reference);
    expect(pieces.length).toBeGreaterThan(3);
    expect((await result.usage).outputTokens).toBeGreaterThan(3);
  });

  it('structured output keeps its schema', async () => {
    const Shape = z.object({ colour: z.enum(['red', 'yellow']), sides: z.int().min(0).max(4) });
    const { output } = await generateText({
      ...{ model: model(), messages: asked(shape), ...GREEDY, maxOutputTokens: 100 },
      output: Output.object({ schema: Shape }),
    });
    expect(Shape.parse(output)).toEqual(output);
  });

  it('tools are called and their results taken', async () => {
    const given: string[] = [];
    const look = tool({
      inputSchema: jsonSchema<{ where: string }>({
        type: 'object',
        properties: { where: { enum: ['left', 'right'] } },
        required: ['where'],
        additionalProperties: false,
      }),
      execute: async ({ where }) => {
        given.push(where);
        return 'A circle.';
      },
    });
    const { steps } = await generateText({
      ...{ model: model(), messages: asked(shape), ...GREEDY, maxOutputTokens: 200 },
      ...{ tools: { look }, stopWhen: stepCountIs(2) },
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'none' }),
    });
    expect(steps).toHaveLength(2);
    expect(['left', 'right']).toContain(given[0]);
  });
});

it('@ai-sdk/openai-compatible sends a clip', skipUnless(hasFfmpeg, 'needs ffmpeg'), async () => {
  await makeClip(clips.file('clip.mp4'), '-c:v mpeg4', { frames: 8 });
  const data = readFileSync(clips.file('clip.mp4'));
  const { text, usage } = await generateText({
    ...{ model: compatible(), ...GREEDY },
    messages: [
      {
        role: 'user',
        content: [
          { type: 'file', mediaType: 'video/mp4', data },
          { type: 'text', text: 'Which way does the circle move?' },
        ],
      },
    ],
  });
  const content = [
    { type: 'video' as const, video: new Uint8Array(data) },
    { type: 'text' as const, text: 'Which way does the circle move?' },
  ];
  const own = await server.model.chat([{ role: 'user', content }], {
    ...{ temperature: 0, maxTokens: 32 },
  }).result;
  expect(text).toBe(own.text);
  expect(usage.inputTokens).toBe(own.usage.promptTokens);
});
