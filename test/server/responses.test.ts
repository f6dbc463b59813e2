// /v1/responses as the AI SDK and OpenAI's own client use it: items in and out, events, a second turn by reference.

import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { ResponseStore } from '../../src/server/responses/response-store.js';
import { question } from '../support/fake-model.js';
import { eventsOf, pngUrl, serving } from '../support/serving.js';

async function respond(app: FastifyInstance, body: object, key?: string) {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const reply = await app.inject({
    method: 'POST',
    url: '/v1/responses',
    payload: { model: 'toy', ...body },
    headers,
  });
  return {
    status: reply.statusCode,
    text: reply.body,
    json: reply.body.startsWith('{') ? reply.json() : undefined,
  };
}

it('answers with items and usage', async () => {
  const { app } = await serving();
  const { status, json } = await respond(app, {
    input: 'Hello',
    instructions: 'Be kind.',
    metadata: { a: 'b' },
  });
  expect(status).toBe(200);
  expect(json).toMatchObject({
    id: expect.stringMatching(/^resp_/),
    ...{ object: 'response', status: 'completed', model: 'toy', error: null, store: true },
    ...{ instructions: 'Be kind.', metadata: { a: 'b' }, incomplete_details: null },
    output: [
      {
        ...{ type: 'message', role: 'assistant', status: 'completed' },
        content: [{ type: 'output_text', text: 'yes', annotations: [] }],
      },
    ],
    usage: { output_tokens: 4, input_tokens_details: { cached_tokens: 0 } },
  });
});

it('looks at pictures', async () => {
  const { app } = await serving();
  const content = [
    { type: 'input_text', text: 'What?' },
    { type: 'input_image', image_url: await pngUrl(), detail: 'low' },
  ];
  const { json } = await respond(app, { input: [{ role: 'user', content }] });
  expect(json.usage.input_tokens_details.image_tokens).toBe(5);
});

it('is incomplete where it was cut off', async () => {
  const { app } = await serving({ fake: { reply: () => 'a long answer' } });
  const { json } = await respond(app, { input: 'Hello', max_output_tokens: 3 });
  expect(json).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output: [{ status: 'incomplete' }],
  });
});

it('streams numbered events', async () => {
  const { app } = await serving();
  const events = eventsOf((await respond(app, { input: 'Hello', stream: true })).text);
  expect(events.map(({ type }) => type.replace('response.', ''))).toEqual([
    ...['created', 'in_progress', 'output_item.added', 'content_part.added'],
    ...['output_text.delta', 'output_text.delta', 'output_text.delta'],
    ...['output_text.done', 'content_part.done', 'output_item.done', 'completed'],
  ]);
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i));
  const { response } = events.at(-1);
  expect(response.output[0].id).toBe(events[2].item.id);
  expect(response.usage.output_tokens).toBe(4);
});

it('a failure on the way is an event', async () => {
  let nSteps = 0;
  const onStep = () => {
    if (++nSteps === 3) throw new Error('at /secret');
  };
  const { app } = await serving({ fake: { onStep } });
  const { text } = await respond(app, { input: 'Hello', stream: true });
  expect(eventsOf(text).at(-1)).toMatchObject({
    type: 'response.failed',
    response: { status: 'failed' },
  });
  expect(text).not.toContain('secret');
});

describe('calls', () => {
  const call = '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>';
  const tools = [{ type: 'function', name: 'look', parameters: { type: 'object' }, strict: true }];

  it('are items, and are answered', async () => {
    const prompts: string[] = [];
    const reply = (prompt: string) => {
      prompts.push(prompt);
      return prompt.includes('<tool_response>') ? 'a bird' : call;
    };
    const { app } = await serving({ fake: { reply } });
    const first = await respond(app, { input: 'Look.', tools });
    const [item] = first.json.output;
    expect(item).toMatchObject({ type: 'function_call', name: 'look', arguments: '{}' });
    const output = { type: 'function_call_output', call_id: item.call_id, output: 'feathers' };
    const second = await respond(app, {
      ...{ input: [output], tools, previous_response_id: first.json.id },
    });
    expect(second.json.output[0].content[0].text).toBe('a bird');
    expect(prompts.at(-1)).toContain('<tool_response>\nfeathers\n</tool_response>');
  });

  it('stream their arguments', async () => {
    const { app } = await serving({ fake: { reply: () => `${call}\n${call}` } });
    const events = eventsOf((await respond(app, { input: 'Look.', tools, stream: true })).text);
    const types = events.map(({ type }) => type.replace('response.', ''));
    expect(types.filter((type) => type === 'output_item.done')).toHaveLength(2);
    expect(types).toContain('function_call_arguments.delta');
    expect(types).toContain('function_call_arguments.done');
  });
});

describe('what is kept', () => {
  const echo = { fake: { reply: question } };

  it('is gone on from by the response or by its items', async () => {
    const { app, binding } = await serving(echo);
    const first = await respond(app, { input: 'One' });
    const byResponse = await respond(app, { input: 'Two', previous_response_id: first.json.id });
    expect(byResponse.json.output[0].content[0].text).toContain('Two');
    const input = [
      { role: 'user', content: 'One' },
      { type: 'item_reference', id: first.json.output[0].id },
      { role: 'user', content: 'Two' },
    ];
    const byItem = await respond(app, { input });
    expect(byItem.json.usage.input_tokens).toBe(byResponse.json.usage.input_tokens);
    expect(binding.alive).not.toContain('sampler');
  });

  it('is nothing without store, or after it was deleted', async () => {
    const { app } = await serving(echo);
    const unkept = await respond(app, { input: 'One', store: false });
    const gone = await respond(app, { input: 'Two', previous_response_id: unkept.json.id });
    expect([gone.status, gone.json.error.param]).toEqual([400, 'previous_response_id']);
    const kept = await respond(app, { input: 'One' });
    const url = `/v1/responses/${kept.json.id}`;
    expect((await app.inject(url)).json()).toEqual(kept.json);
    expect((await app.inject({ method: 'DELETE', url })).json().deleted).toBe(true);
    expect((await app.inject(url)).statusCode).toBe(404);
  });

  it('is nobody else’s', async () => {
    const { app } = await serving({ ...echo, server: { apiKeys: ['mine', 'yours'] } });
    const mine = await respond(app, { input: 'secret' }, 'mine');
    const id = mine.json.id;
    const by = (key: string) => respond(app, { input: 'Two', previous_response_id: id }, key);
    expect((await by('yours')).status).toBe(400);
    expect((await by('mine')).status).toBe(200);
    const input = [{ type: 'item_reference', id: mine.json.output[0].id }];
    expect((await respond(app, { input }, 'yours')).json.error.param).toBe('input[0].id');
    const headers = { authorization: 'Bearer yours' };
    expect((await app.inject({ url: `/v1/responses/${id}`, headers })).statusCode).toBe(404);
  });

  it('is bounded in number, bytes and time', () => {
    let now = 0;
    const store = new ResponseStore({
      maxResponses: 3,
      maxBytes: 20_000,
      lifetimeMs: 100,
      now: () => now,
    });
    const add = (id: string, length: number, owner?: string) =>
      store.add(owner, {
        id,
        messages: [{ role: 'user', content: 'a'.repeat(length) }],
        items: new Map(),
        response: {},
      });
    const kept = () => ['a', 'b', 'c', 'd', 'e'].filter((id) => store.get(undefined, id)).join('');
    for (const id of ['a', 'b', 'c', 'd']) add(id, 1);
    add('e', 1, 'other');
    expect(kept()).toBe('bcd');
    add('a', 9000);
    expect(kept()).toBe('a');
    now = 101;
    expect(kept()).toBe('');
    expect(store.get('other', 'e')).toBeUndefined();
  });
});

it.each([
  ['input', {}],
  ['input[0].type', { input: [{ type: 'computer_call' }] }],
  ['input[0].content[0].type', { input: [{ role: 'user', content: [{ type: 'x' }] }] }],
  [
    'input[0].arguments',
    { input: [{ type: 'function_call', call_id: 'a', name: 'b', arguments: '[' }] },
  ],
  ['background', { input: 'a', background: true }],
  ['conversation', { input: 'a', conversation: 'conv_1' }],
  ['prompt', { input: 'a', prompt: { id: 'pmpt_1' } }],
  [
    'text.format',
    {
      input: 'a',
      tools: [{ type: 'function', name: 'b' }],
      text: { format: { type: 'json_object' } },
    },
  ],
  ['max_output_tokens', { input: 'a', max_output_tokens: 0 }],
])('nonsense in %s is named', async (param, body) => {
  const { app } = await serving();
  const { status, json } = await respond(app, body);
  expect([status, json.error.param]).toEqual([400, param]);
});
