// LangChain's client for OpenAI, unmodified.
import { HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type DemoServer, demoServer, drawn, KEY } from '../../support/demo-server.js';

let server: DemoServer;
const shape = drawn('shape');

beforeAll(async () => {
  server = await demoServer();
});
afterAll(() => server.close());

const client = (more: { maxTokens?: number } = {}) =>
  new ChatOpenAI({
    ...{ model: 'demo', apiKey: KEY, configuration: { baseURL: server.base } },
    ...{ temperature: 0, maxTokens: 32, maxRetries: 0, ...more },
  });

const message = () =>
  new HumanMessage({
    content: [
      { type: 'image_url', image_url: { url: shape.images[0]! } },
      { type: 'text', text: shape.question },
    ],
  });

it('invoke answers as the reference does, and counts', async () => {
  const answer = await client().invoke([message()]);
  expect(answer.content).toBe(shape.reference);
  expect(answer.usage_metadata!.input_tokens).toBeGreaterThan(20);
});

it('stream streams', async () => {
  const pieces: string[] = [];
  for await (const chunk of await client().stream([message()])) pieces.push(String(chunk.content));
  expect(pieces.join('')).toBe(shape.reference);
});

it('batch asks several at once', async () => {
  const answers = await client().batch([[message()], [message()], [message()]]);
  expect(answers.map(({ content }) => content)).toEqual(Array(3).fill(shape.reference));
});

it('withStructuredOutput keeps its schema', async () => {
  const Shape = z.object({ colour: z.enum(['red', 'yellow']), sides: z.int().min(0).max(4) });
  const structured = client({ maxTokens: 100 }).withStructuredOutput(Shape, {
    method: 'jsonSchema',
  });
  const answer = await structured.invoke([message()]);
  expect(Shape.parse(answer)).toEqual(answer);
});

it('bindTools calls a tool', async () => {
  const look = tool(async () => 'A circle.', {
    ...{ name: 'look', description: 'Looks again' },
    schema: z.object({ where: z.enum(['left', 'right']) }),
  });
  const bound = client({ maxTokens: 200 }).bindTools([look], { tool_choice: 'look' });
  const answer = await bound.invoke([message()]);
  expect(answer.tool_calls![0]).toMatchObject({
    name: 'look',
    args: { where: expect.any(String) },
  });
});
