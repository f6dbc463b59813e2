// Requests that make no sense are 400 with the field's name; failures have OpenAI's form and tell nothing of the machine.
import { describe, expect, it } from 'vitest';
import { pictured, pngUrl, post, serving, USER } from '../support/serving.js';

const schema = (value: object) => ({
  type: 'json_schema',
  json_schema: { name: 'a', schema: value },
});
const user = (...content: object[]) => [{ role: 'user', content }];

describe('a field with nonsense is named', () => {
  it.each<[string, object]>([
    ['messages', { messages: [] }],
    ['messages', { messages: 'Hello' }],
    ['messages[0]', { messages: ['Hello'] }],
    ['messages[0].role', { messages: [{ role: 'wizard', content: 'a' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 3 }] }],
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['messages[0].content[0].type', { messages: user({ type: 'input_audio' }) }],
    ['messages[0].content[0].type', { messages: user({ type: 'toString' }) }],
    ['messages[0].content[0].text', { messages: user({ type: 'text', text: 5 }) }],
    ['messages[0].content[0].image_url', { messages: user({ type: 'image_url' }) }],
    [
      'messages[0].content[0].image_url.url',
      { messages: user({ type: 'image_url', image_url: {} }) },
    ],
    [
      'messages[0].content[0].image_url.detail',
      { messages: user({ type: 'image_url', image_url: { url: 'data:,', detail: 'huge' } }) },
    ],
    [
      'messages[0].content[0].file.file_data',
      {
        messages: user({ type: 'file', file: { file_data: 'data:application/pdf;base64,AAAA' } }),
      },
    ],
    [
      'messages[0].content[0].file.file_id',
      { messages: user({ type: 'file', file: { file_id: 'f' } }) },
    ],
    ['messages[1].role', { messages: [...USER, { role: 'system', content: 'a' }, ...USER] }],
    [
      'messages[1].tool_call_id',
      { messages: [...USER, { role: 'tool', tool_call_id: 'x', content: 'a' }] },
    ],
    ['temperature', { temperature: 'hot' }],
    ['temperature', { temperature: 3 }],
    ['top_p', { top_p: -0.1 }],
    ['top_k', { top_k: 1.5 }],
    ['seed', { seed: 0.5 }],
    ['stream', { stream: 'yes' }],
    ['stream_options', { stream_options: { include_usage: true } }],
    ['top_logprobs', { top_logprobs: 3 }],
    ['top_logprobs', { logprobs: true, top_logprobs: 21 }],
    ['frequency_penalty', { frequency_penalty: 9 }],
    ['tool_choice', { tool_choice: 'required' }],
    [
      'tool_choice',
      { tools: [tool('a')], tool_choice: { type: 'function', function: { name: 'b' } } },
    ],
    ['tools[0].type', { tools: [{ type: 'web_search' }] }],
    ['tools[0].name', { tools: [tool('no spaces')] }],
    ['functions', { functions: [] }],
    ['response_format', { tools: [tool('a')], response_format: { type: 'json_object' } }],
    ['response_format.type', { response_format: { type: 'xml' } }],
    [
      'response_format.json_schema.schema',
      { response_format: { type: 'json_schema', json_schema: {} } },
    ],
    ['response_format', { response_format: schema({ type: 'array', uniqueItems: true }) }],
    ['modalities', { modalities: ['audio'] }],
    ['media_io_kwargs.video.num_frames', { media_io_kwargs: { video: { num_frames: 0 } } }],
  ])('%s', async (param, body) => {
    const { app, binding } = await serving();
    const { status, json } = await post(app, body);
    expect([status, json.error.param]).toEqual([400, param]);
    expect(json.error).toMatchObject({
      type: 'invalid_request_error',
      message: expect.any(String),
    });
    expect(binding.steps).toEqual([]);
  });
});

function tool(name: string) {
  return { type: 'function', function: { name, parameters: { type: 'object' } } };
}

it('a model that is not there is 404', async () => {
  const { app } = await serving();
  const { status, json } = await post(app, { model: 'gpt-4o' });
  expect([status, json.error.code, json.error.param]).toEqual([404, 'model_not_found', 'model']);
  expect((await post(app, { model: undefined })).status).toBe(200);
});

it('what is no picture is 400 before the answer begins', async () => {
  const { app } = await serving();
  const url = `data:image/png;base64,${Buffer.from('<html>').toString('base64')}`;
  const { status, json } = await post(app, { messages: pictured(url), stream: true });
  expect(status).toBe(400);
  expect(json.error.code).toBe('image_decode');
});

it('pictures for a model without eyes are 400', async () => {
  const { app } = await serving({ load: { isTextOnly: true } });
  const { status, json } = await post(app, { messages: pictured(await pngUrl()) });
  expect([status, json.error.param]).toEqual([400, 'messages']);
});

it('a failure inside is 500 and tells nothing', async () => {
  const fail = () => {
    throw new Error('cannot read /home/me/model.gguf from 10.0.0.7');
  };
  const { app } = await serving({ fake: { onStep: fail } });
  const { status, json, headers } = await post(app, {});
  expect(status).toBe(500);
  expect(json.error).toMatchObject({ type: 'server_error', code: 'internal_error' });
  expect(JSON.stringify(json)).not.toMatch(/home|10\.0/);
  expect(headers['x-request-id']).toBeDefined();
});

describe('other routes', () => {
  it.each([
    ['GET', '/v1/models', 200],
    ['GET', '/v1/models/toy', 200],
    ['GET', '/v1/models/other', 404],
    ['POST', '/v1/embeddings', 404],
    ['GET', '/v1/chat/completions', 404],
    ['GET', '/nothing', 404],
    ['GET', '/health', 200],
    ['GET', '/ready', 200],
  ] as const)('%s %s is %d', async (method, url, status) => {
    const { app } = await serving();
    const payload = method === 'POST' ? { payload: { input: 'a' } } : {};
    const reply = await app.inject({ method, url, ...payload });
    expect(reply.statusCode).toBe(status);
    if (status === 404) expect(reply.json().error.message).toEqual(expect.any(String));
  });

  it('lists the model', async () => {
    const { app } = await serving();
    const { data } = (await app.inject('/v1/models')).json();
    expect(data).toEqual([
      { id: 'toy', object: 'model', created: expect.any(Number), owned_by: 'llava-onevision' },
    ]);
  });
});
