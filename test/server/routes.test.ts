// The smaller routes: older completions, counts, metrics; and several models behind one server.
import { describe, expect, it, onTestFinished } from 'vitest';
import { createServer } from '../../src/server/index.js';
import { fakeModel } from '../support/fake-model.js';
import { eventsOf, pictured, pngUrl, post, serving } from '../support/serving.js';

describe('/v1/completions', () => {
  const url = '/v1/completions';

  it('answers a prompt', async () => {
    const { app } = await serving();
    const payload = { model: 'toy', prompt: 'Hello', max_tokens: 16 };
    const { choices, usage, object } = (await app.inject({ method: 'POST', url, payload })).json();
    expect(object).toBe('text_completion');
    expect(choices).toEqual([{ index: 0, text: 'yes', logprobs: null, finish_reason: 'stop' }]);
    expect(usage.completion_tokens).toBe(4);
  });

  it('streams', async () => {
    const { app } = await serving();
    const options = { stream: true, stream_options: { include_usage: true } };
    const payload = { prompt: ['Hello'], ...options };
    const events = eventsOf((await app.inject({ method: 'POST', url, payload })).body);
    expect(events.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe('yes');
    expect(events.at(-1).usage.completion_tokens).toBe(4);
  });

  it.each([
    ['prompt', {}],
    ['prompt', { prompt: [1, 2, 3] }],
    ['echo', { prompt: 'a', echo: true }],
    ['logprobs', { prompt: 'a', logprobs: 5 }],
  ])('nonsense in %s is named', async (param, payload) => {
    const { app } = await serving();
    const reply = await app.inject({ method: 'POST', url, payload });
    expect([reply.statusCode, reply.json().error.param]).toEqual([400, param]);
  });
});

it('/tokenize counts a conversation and encodes nothing', async () => {
  const { app, binding } = await serving();
  const messages = pictured(await pngUrl());
  const counted = (
    await app.inject({ method: 'POST', url: '/tokenize', payload: { messages } })
  ).json();
  expect(counted).toMatchObject({ max_model_len: 4096, image_tokens: 24, media: [{ rows: 24 }] });
  expect(counted.tokens).toHaveLength(counted.count);
  expect(binding.nEncoded).toBe(0);
  const { json } = await post(app, { messages });
  expect(json.usage.prompt_tokens).toBe(counted.count);
});

describe('/metrics', () => {
  const read = async (app: Awaited<ReturnType<typeof serving>>['app']) => {
    const text = (await app.inject('/metrics')).body;
    return (name: string) =>
      Number(new RegExp(`^llava_onevision_${name} (.*)$`, 'm').exec(text)?.[1]);
  };

  it('tell what was done and what is held', async () => {
    const { app } = await serving();
    await post(app, { messages: pictured(await pngUrl()) });
    await post(app, { temperature: 'hot' });
    const value = await read(app);
    const route = 'route="/v1/chat/completions"';
    expect(value(`requests_total\\{${route},status="200"\\}`)).toBe(1);
    expect(value(`requests_total\\{${route},status="400"\\}`)).toBe(1);
    expect(value('tokens_total\\{model="toy",kind="visual"\\}')).toBe(24);
    expect(value('tokens_total\\{model="toy",kind="answer"\\}')).toBe(4);
    expect(value('time_to_first_token_seconds_count\\{model="toy"\\}')).toBe(1);
    expect(value('time_between_tokens_seconds_count\\{model="toy"\\}')).toBe(3);
    expect(value('visual_cache_bytes')).toBe(24 * 4 * 4);
    expect(value('requests_running')).toBe(0);
    expect(value('requests_queued')).toBe(0);
    expect(value('kv_cache_usage_ratio')).toBe(0);
  });

  it('tell that what many send at one time is encoded once', async () => {
    const { app } = await serving();
    const tiles = async () => (await read(app))('tiles_encoded_total\\{model="toy"\\}');
    expect(await tiles()).toBe(0);
    const messages = pictured(await pngUrl());
    await Promise.all(Array.from({ length: 6 }, () => post(app, { messages })));
    expect(await tiles()).toBe(5);
    await post(app, { messages: pictured(await pngUrl(1)) });
    expect(await tiles()).toBe(10);
  });

  it('have no labels that a stranger makes', async () => {
    const { app } = await serving();
    for (const path of ['/a', '/b?c', '/v1/models/evil']) await app.inject(path);
    const { body } = await app.inject('/metrics');
    expect(body).toContain('route="none",status="404"} 2');
    expect(body).not.toMatch(/evil|"\/a"/);
  });
});

describe('several models', () => {
  async function several(maxModels: number) {
    const made: string[] = [];
    const gone: string[] = [];
    const load = (name: string) => async () => {
      made.push(name);
      const { model } = await fakeModel({ reply: () => name });
      const dispose = model.dispose.bind(model);
      model.dispose = async () => {
        gone.push(name);
        await dispose();
      };
      return model;
    };
    const app = createServer({ one: load('one'), two: load('two') }, { maxModels });
    onTestFinished(() => app.close());
    const ask = async (model?: string) => (await post(app, { model })).json;
    return { app, ask, made, gone };
  }

  it('are loaded when they are asked for, and asked by name', async () => {
    const { app, ask, made, gone } = await several(2);
    expect(
      (await app.inject('/v1/models')).json().data.map(({ id }: { id: string }) => id),
    ).toEqual(['one', 'two']);
    expect(made).toEqual([]);
    const answers = await Promise.all([ask('two'), ask('one'), ask('two')]);
    expect(answers.map(({ choices }) => choices[0].message.content)).toEqual(['two', 'one', 'two']);
    expect(made.sort()).toEqual(['one', 'two']);
    expect((await ask()).error.code).toBe('model_not_found');
    await app.close();
    expect(gone.sort()).toEqual(['one', 'two']);
  });

  it('make room for each other when they are idle', async () => {
    const { ask, made, gone } = await several(1);
    for (const name of ['one', 'one', 'two', 'one'])
      expect((await ask(name)).choices[0].message.content).toBe(name);
    expect(made).toEqual(['one', 'two', 'one']);
    expect(gone).toEqual(['one', 'two']);
    const both = await Promise.all([ask('one'), ask('two')]);
    expect(both.map((answer) => answer.error?.code)).toEqual([undefined, 'models_busy']);
  });

  it('one that cannot be loaded fails its own requests, and is tried again', async () => {
    let n = 0;
    const broken = async () => {
      if (++n === 1) throw new Error('no file at /models/secret.gguf');
      return (await fakeModel()).model;
    };
    const app = createServer({ broken });
    onTestFinished(() => app.close());
    const first = await post(app, { model: 'broken' });
    expect([first.status, first.text.includes('secret')]).toEqual([500, false]);
    expect((await post(app, { model: 'broken' })).status).toBe(200);
  });
});
