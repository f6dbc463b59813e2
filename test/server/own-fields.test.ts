// What requests may ask beyond OpenAI's API: news before the first text, where tiles lie, and an answer that is gone on in.
import { describe, expect, it } from 'vitest';
import { eventsOf, pictured, pngUrl, post, serving, USER } from '../support/serving.js';

const STREAM = { stream: true, stream_options: { include_usage: true } };
const own = (fields: object) => ({ llava_onevision: fields });

const calling = {
  role: 'assistant',
  content: null,
  tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }],
};

describe('geometry', () => {
  const geometry = {
    image: { width: 16, height: 16 },
    canvas: { width: 16, height: 16 },
    picture: { x: 0, y: 0, width: 16, height: 16 },
    tile: 8,
    has_overview: true,
    kept: { x: 0, y: 0, width: 16, height: 16 },
  };
  const media = [{ kind: 'image', rows: 24, grid: { cols: 2, rows: 2 } }];

  it('is told with the answer, streamed or not', async () => {
    const { app } = await serving();
    const asked = { messages: pictured(await pngUrl()), ...own({ geometry: true }) };
    const whole = await post(app, asked);
    expect(whole.json.llava_onevision.media).toEqual([{ ...media[0], cached: false, geometry }]);
    for (const stream of [STREAM, { stream: true }]) {
      const last = eventsOf((await post(app, { ...asked, ...stream })).text).at(-1);
      expect(last.llava_onevision.media).toEqual([{ ...media[0], cached: true, geometry }]);
    }
  });

  it('is told with a count', async () => {
    const { app } = await serving();
    const payload = { messages: pictured(await pngUrl()), ...own({ geometry: true }) };
    const { media: told } = (
      await app.inject({ method: 'POST', url: '/tokenize', payload })
    ).json();
    expect(told).toEqual([{ ...media[0], start: expect.any(Number), geometry }]);
  });
});

describe('progress', () => {
  it('is told before the first text: tiles, then positions of the prompt', async () => {
    const { app } = await serving();
    const asked = { messages: pictured(await pngUrl()), ...own({ progress: true }) };
    const events = eventsOf((await post(app, { ...asked, ...STREAM })).text);
    const firstText = events.findIndex(({ choices }) => choices[0]?.delta.content);
    const told = events.flatMap((event, i) => (event.llava_onevision?.stage ? [i] : []));
    expect(Math.max(...told)).toBeLessThan(firstText);
    const news = told.map((i) => events[i].llava_onevision);
    expect(told.every((i) => events[i].choices.length === 0)).toBe(true);
    expect(news.slice(0, 5)).toEqual(
      [1, 2, 3, 4, 5].map((done) => ({ stage: 'encode', done, of: 5 })),
    );
    const rows = events.at(-1).usage.prompt_tokens;
    expect(news.at(-1)).toEqual({ stage: 'prefill', done: rows, of: rows });
  });

  it('is told of one answer among several', async () => {
    const { app } = await serving();
    const events = eventsOf(
      (await post(app, { ...own({ progress: true }), ...STREAM, n: 3 })).text,
    );
    const ends = events.filter(({ llava_onevision: news }) => news?.stage && news.done === news.of);
    expect(ends).toHaveLength(1);
  });

  it('tells how many stand before a chat in the line', async () => {
    const { app } = await serving({ server: { slots: 1 } });
    const asked = { ...own({ progress: true }), ...STREAM };
    const replies = await Promise.all([post(app, asked), post(app, asked), post(app, asked)]);
    const places = replies.map(({ text }) =>
      eventsOf(text).flatMap(({ llava_onevision: news }) => news?.queued ?? []),
    );
    expect(places.sort((a, b) => a.length - b.length)).toEqual([[], [0], [1, 0]]);
  });

  it('is not told unless it is wanted', async () => {
    const { app } = await serving();
    const events = eventsOf((await post(app, STREAM)).text);
    expect(events.filter(({ llava_onevision: part }) => part)).toHaveLength(1);
  });
});

describe('continue_final_message', () => {
  const begun = [...USER, { role: 'assistant', content: 'Once upon' }];
  const continued = { messages: begun, continue_final_message: true };

  it('lets the model go on where the text ends', async () => {
    const { app } = await serving({ fake: { reply: () => 'Once upon a time' } });
    const { json } = await post(app, { ...continued, add_generation_prompt: false });
    expect(json.choices[0].message.content).toBe(' a time');
    const counted = await app.inject({ method: 'POST', url: '/tokenize', payload: continued });
    expect(counted.json()).toMatchObject({
      count: json.usage.prompt_tokens,
      prompt: expect.stringMatching(/<\|im_start\|>assistant\nOnce upon$/),
    });
  });

  it.each([
    ['no answer to go on in', { messages: USER }],
    ['a call at the end', { messages: [...USER, calling] }],
    ['a new turn as well', { add_generation_prompt: true }],
    ['a shape, which would begin anew', { response_format: { type: 'json_object' } }],
    ['nonsense', { continue_final_message: 'yes' }],
  ])('%s is refused', async (_, wrong) => {
    const { app } = await serving();
    const { status, json } = await post(app, { ...continued, ...wrong, stream: true });
    expect([status, json.error.param]).toEqual([400, 'continue_final_message']);
  });
});

describe('llava_onevision', () => {
  it.each([
    ['llava_onevision', { llava_onevision: 'all' }],
    ['llava_onevision.geometri', own({ geometri: true })],
    ['llava_onevision.geometry', own({ geometry: 1 })],
    ['llava_onevision.progress', { ...own({ progress: 'yes' }), stream: true }],
    ['llava_onevision.progress', own({ progress: true })],
    ['llava_onevision.multi_image', own({ multi_image: 'tiles' })],
  ])('a mistake in %s is named', async (param, body) => {
    const { app } = await serving();
    const { status, json } = await post(app, body);
    expect([status, json.error.param]).toEqual([400, param]);
  });

  it.each([
    ['/v1/completions', { prompt: 'a' }, 'progress'],
    ['/v1/responses', { input: 'a' }, 'geometry'],
    ['/tokenize', { messages: USER }, 'progress'],
  ])('%s has not all of it', async (url, body, name) => {
    const { app } = await serving();
    const payload = { ...body, ...own({ [name]: true }) };
    const reply = await app.inject({ method: 'POST', url, payload });
    expect([reply.statusCode, reply.json().error.param]).toEqual([400, `llava_onevision.${name}`]);
  });
});
