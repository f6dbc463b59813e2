// The package `openai`, unmodified, against the demo model.
import OpenAI, { APIUserAbortError } from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type DemoServer, demoServer, drawn, GREEDY, KEY } from '../../support/demo-server.js';

let server: DemoServer;
let client: OpenAI;
const model = 'demo';
const shape = drawn('shape');
const pair = drawn('pair');

beforeAll(async () => {
  server = await demoServer();
  client = new OpenAI({ baseURL: server.base, apiKey: KEY, maxRetries: 0 });
});
afterAll(() => server.close());

function asked({ images, question }: { images: string[]; question: string }) {
  return [
    {
      role: 'user' as const,
      content: [
        ...images.map((url) => ({ type: 'image_url' as const, image_url: { url } })),
        { type: 'text' as const, text: question },
      ],
    },
  ];
}

describe('chat completions', () => {
  it.each([shape, pair])('answer as the reference does: $id', async (question) => {
    const messages = asked(question);
    const answer = await client.chat.completions.create({ model, messages, ...GREEDY });
    expect(answer.choices[0]).toMatchObject({
      message: { role: 'assistant', content: question.reference },
      finish_reason: 'stop',
    });
    const { usage } = answer;
    expect(usage!.total_tokens).toBe(usage!.prompt_tokens + usage!.completion_tokens);
    expect(usage!.prompt_tokens_details!.cached_tokens).toBeGreaterThanOrEqual(0);
    expect(answer._request_id).toMatch(/^req_/);
  });

  it('stream, with the usage last', async () => {
    const stream = await client.chat.completions.create({
      ...{ model, messages: asked(shape), ...GREEDY, stream: true as const },
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage;
    }
    expect(text).toBe(shape.reference);
    expect(usage!.completion_tokens).toBeGreaterThan(3);
  });

  it('stream by the helper, with its events', async () => {
    const stream = client.chat.completions.stream({ model, messages: asked(shape), ...GREEDY });
    let text = '';
    stream.on('content', (delta) => {
      text += delta;
    });
    expect(await stream.finalContent()).toBe(shape.reference);
    expect(text).toBe(shape.reference);
  });

  it('end when the client goes, and the server goes on', async () => {
    const stream = client.chat.completions.stream({
      ...{ model, messages: asked(shape), temperature: 0, max_tokens: 2000 },
      logit_bias: { 1256: -100, 1258: -100 },
    });
    for await (const _ of stream) {
      stream.abort();
      break;
    }
    await expect(stream.done()).rejects.toThrow(APIUserAbortError);
    const answer = await client.chat.completions.create({
      model,
      messages: asked(shape),
      ...GREEDY,
    });
    expect(answer.choices[0]!.message.content).toBe(shape.reference);
  });

  it('are parsed by zod', async () => {
    const Shape = z.object({
      colour: z.enum(['red', 'yellow', 'blue']),
      shape: z.enum(['circle', 'square', 'triangle']),
      sides: z.int().min(0).max(4),
    });
    const answer = await client.chat.completions.parse({
      ...{ model, messages: asked(shape), ...GREEDY, max_tokens: 100 },
      response_format: zodResponseFormat(Shape, 'shape'),
    });
    const { parsed, content } = answer.choices[0]!.message;
    expect(Shape.parse(JSON.parse(content!))).toEqual(parsed);
  });

  it('call a tool, take its result, and answer', async () => {
    const tools = [
      {
        type: 'function' as const,
        function: {
          name: 'look',
          description: 'Looks again',
          strict: true,
          parameters: {
            type: 'object',
            properties: { where: { enum: ['left', 'right'] } },
            required: ['where'],
            additionalProperties: false,
          },
        },
      },
    ];
    const messages: OpenAI.ChatCompletionMessageParam[] = asked(shape);
    const request = { model, tools, ...GREEDY, max_tokens: 200 };
    const first = await client.chat.completions.create({
      ...{ ...request, messages, tool_choice: 'required' as const, parallel_tool_calls: false },
    });
    const [choice] = first.choices;
    expect(choice!.finish_reason).toBe('tool_calls');
    expect(choice!.message.tool_calls).toHaveLength(1);
    const [call] = choice!.message.tool_calls!;
    if (call?.type !== 'function') throw new Error('no call');
    expect(call.function.name).toBe('look');
    expect(['left', 'right']).toContain(JSON.parse(call.function.arguments).where);
    messages.push(choice!.message);
    messages.push({ role: 'tool', tool_call_id: call.id, content: 'A circle.' });
    const second = await client.chat.completions.create({
      ...{ ...request, messages, tool_choice: 'none' as const },
    });
    expect(second.choices[0]!.finish_reason).toMatch(/stop|length/);
    expect(second.usage!.completion_tokens).toBeGreaterThan(0);
  });

  it('stream the pieces of a call', async () => {
    const properties = { n: { type: 'integer', minimum: 0, maximum: 9 } };
    const parameters = { type: 'object', properties, additionalProperties: false };
    const stream = client.chat.completions.stream({
      ...{ model, messages: asked(shape), ...GREEDY, max_tokens: 200 },
      tools: [{ type: 'function', function: { name: 'count', parameters } }],
      tool_choice: { type: 'function', function: { name: 'count' } },
    });
    const { message } = (await stream.finalChatCompletion()).choices[0]!;
    const [call] = message.tool_calls!;
    expect(call).toMatchObject({ type: 'function', function: { name: 'count' } });
    expect(JSON.parse((call as { function: { arguments: string } }).function.arguments)).toBeTypeOf(
      'object',
    );
  });

  it('come several at a time, with log-probabilities and seeds', async () => {
    const answer = await client.chat.completions.create({
      ...{ model, messages: asked(shape), max_completion_tokens: 4 },
      ...{ n: 2, seed: 3, temperature: 1, logprobs: true, top_logprobs: 3, stop: ['\n'] },
    });
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1]);
    for (const { logprobs } of answer.choices)
      for (const { top_logprobs } of logprobs!.content!) expect(top_logprobs).toHaveLength(3);
  });
});

describe('responses', () => {
  const input = (question: typeof shape): OpenAI.Responses.ResponseInputItem[] => [
    {
      role: 'user',
      content: [
        ...question.images.map((url) => ({
          ...{ type: 'input_image' as const, image_url: url, detail: 'auto' as const },
        })),
        { type: 'input_text', text: question.question },
      ],
    },
  ];
  const request = { model, temperature: 0, max_output_tokens: 32 };

  it('answer as the reference does, and a second turn goes on from the first', async () => {
    const first = await client.responses.create({ ...request, input: input(shape) });
    expect(first).toMatchObject({ output_text: shape.reference, status: 'completed' });
    const second = await client.responses.create({
      ...{ ...request, previous_response_id: first.id, input: 'And what else?' },
    });
    expect(second.usage!.input_tokens).toBeGreaterThan(
      first.usage!.input_tokens + first.usage!.output_tokens - 1,
    );
  });

  it('stream by the helper, with its events', async () => {
    const stream = client.responses.stream({ ...request, input: input(shape) });
    const types = new Set<string>();
    stream.on('event', ({ type }) => types.add(type));
    expect((await stream.finalResponse()).output_text).toBe(shape.reference);
    for (const type of ['response.created', 'response.output_text.delta', 'response.completed'])
      expect(types).toContain(type);
  });
});

describe('errors', () => {
  it('have their classes and fields', async () => {
    const create = (more: object) =>
      client.chat.completions.create({ model, messages: asked(shape), ...more });
    await expect(create({ temperature: 99 })).rejects.toMatchObject({
      ...{ status: 400, param: 'temperature', type: 'invalid_request_error' },
    });
    await expect(create({ model: 'gpt-9' })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const stranger = new OpenAI({ baseURL: server.base, apiKey: 'wrong', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });
});

it('models are listed', async () => {
  const { data } = await client.models.list();
  expect(data).toMatchObject([{ id: 'demo', object: 'model', created: expect.any(Number) }]);
  expect((await client.models.retrieve('demo')).id).toBe('demo');
});
