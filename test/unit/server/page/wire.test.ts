import { afterEach, expect, test, vi } from 'vitest';
import { type ChatNews, Client } from '../../../../src/server/page/wire/client.js';
import { eventData } from '../../../../src/server/page/wire/sse.js';
import type { ChatRequestBody } from '../../../../src/server/page/wire/to-request.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

function stream(text: string, piece = 1e9, onCancel = () => {}): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(to) {
      if (at >= bytes.length) return to.close();
      to.enqueue(bytes.subarray(at, at + piece));
      at += piece;
    },
    cancel: onCancel,
  });
}

test.each([1, 2, 3, 7, 1e9])('events however they are cut, pieces of %i bytes', async (piece) => {
  const text =
    '\uFEFF: hello\r\n\r\ndata: ä🐈\r\n\r\ndata: a\rdata: b\r\revent: x\ndata:c\nid: 1\n\ndata\n\n';
  const events: string[] = [];
  for await (const data of eventData(stream(`${text}data: cut off`, piece))) events.push(data);
  expect(events).toEqual(['ä🐈', 'a\nb', 'c', '']);
});

const body = { messages: [] } as unknown as ChatRequestBody;

function answering(reply: Response | Error) {
  const asked = vi.fn(async (_url: string, _init: RequestInit) => {
    if (reply instanceof Error) throw reply;
    return reply;
  });
  vi.stubGlobal('fetch', asked);
  return asked;
}

async function news(client = new Client(''), signal?: AbortSignal): Promise<ChatNews[]> {
  const all: ChatNews[] = [];
  for await (const one of client.chat(body, signal)) all.push(one);
  return all;
}

const lines = (...chunks: (object | string)[]) =>
  chunks.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('');
const text = (content: string, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, finish_reason }],
  usage: null,
});

test('a stream is its queue, its stages, its text, and what was seen', async () => {
  const image = { width: 40, height: 30 };
  const box = { x: 0, y: 5, ...image };
  const geometry = { image, canvas: image, picture: box, tile: 112, has_overview: true, kept: box };
  const media = [
    { kind: 'image', rows: 60, cached: true, grid: { cols: 2, rows: 1 }, geometry },
    {
      kind: 'video',
      rows: 32,
      cached: false,
      geometry: { seconds: 2.5, frame_seconds: [0, 1.25] },
    },
    { kind: 'image', rows: 9, cached: false, grid: null },
    { kind: 'video', rows: 8, cached: false, geometry: { width: 4, height: 3 } },
  ];
  const details = { cached_tokens: 10, image_tokens: 92 };
  const usage = { prompt_tokens: 100, completion_tokens: 2, prompt_tokens_details: details };
  const timings = { encode_ms: 12.5 };
  const all = lines(
    { choices: [], llava_onevision: { queued: 3 } },
    { choices: [], llava_onevision: { stage: 'encode', done: 2, of: 10 } },
    { choices: [], llava_onevision: { stage: 'prefill' } },
    text(''),
    text('A '),
    text('cat', null),
    text('', 'length'),
    { choices: [], usage, llava_onevision: { media, timings, seed: 7 } },
    '[DONE]',
  );
  answering(new Response(stream(all, 5)));
  const none = { width: 0, height: 0 };
  expect(await news()).toEqual([
    { kind: 'queued', place: 3 },
    { kind: 'stage', stage: 'encode', done: 2, of: 10 },
    { kind: 'stage', stage: 'prefill' },
    { kind: 'text', text: 'A ' },
    { kind: 'text', text: 'cat' },
    {
      kind: 'end',
      reason: 'length',
      seen: {
        media: [
          {
            ...{ kind: 'image', rows: 60, cached: true, image, canvas: image, picture: box },
            ...{ grid: { cols: 2, rows: 1 }, tile: 112, hasOverview: true, kept: box },
          },
          { kind: 'video', rows: 32, cached: false, seconds: 2.5, frames: [0, 1.25] },
          {
            ...{ kind: 'image', rows: 9, cached: false, image: none, canvas: none },
            ...{ picture: { x: 0, y: 0, ...none }, grid: { cols: 1, rows: 1 }, tile: 0 },
            hasOverview: false,
          },
          { kind: 'video', rows: 8, cached: false, frames: [] },
        ],
        usage: { promptTokens: 100, imageTokens: 92, cachedTokens: 10, completionTokens: 2 },
        timings,
        seed: 7,
      },
    },
  ]);
});

test('the key goes in a header, and nowhere else', async () => {
  const asked = answering(new Response(stream(lines('[DONE]'))));
  const client = new Client('http://server:1');
  client.key = 'secret';
  await news(client);
  const [url, init] = asked.mock.calls[0]!;
  expect(url).toBe('http://server:1/v1/chat/completions');
  expect(new Headers(init.headers).get('authorization')).toBe('Bearer secret');
  expect(init.body).toBe(JSON.stringify(body));
});

test.each([
  ['a refused key', new Response('{}', { status: 401 }), { name: 'NeedsKey' }],
  ['no network', new TypeError('Failed to fetch'), { name: 'Unreachable' }],
  ['an end without an end mark', new Response(stream(lines(text('a')))), { name: 'Unreachable' }],
  ['no JSON', new Response(stream('data: {"choi\n\n')), { name: 'Unreachable' }],
  [
    'a full queue',
    Response.json(
      { error: { message: 'Too many.', param: null, code: 'queue_full' } },
      { status: 429, headers: { 'retry-after': '7' } },
    ),
    { name: 'Refused', message: 'Too many.', status: 429, code: 'queue_full', retryAfter: 7 },
  ],
  [
    'a bad field',
    Response.json({ error: { message: 'No.', param: 'top_p' } }, { status: 400 }),
    { name: 'Refused', message: 'No.', param: 'top_p', retryAfter: undefined },
  ],
  [
    'a proxy in between',
    new Response('<html>', { status: 502 }),
    { name: 'Refused', message: 'The server answers 502.', status: 502 },
  ],
  [
    'a failure in the middle',
    new Response(stream(lines(text('a'), { error: { message: 'Broken.' } }))),
    { name: 'Refused', message: 'Broken.' },
  ],
])('%s', async (_, reply, error) => {
  answering(reply);
  await expect(news()).rejects.toMatchObject(error);
});

test('blobs in a request are sent as the texts that they are', async () => {
  const asked = answering(Response.json({}));
  const request = { a: new Blob(['data:x']), b: ['"0"', new Blob(['y']), { c: new Blob([]) }] };
  await new Client('').count(request as never);
  const sent = await (asked.mock.calls[0]![1].body as Blob).text();
  expect(JSON.parse(sent)).toEqual({ a: 'data:x', b: ['"0"', 'y', { c: '' }] });
});

test('a stream is read to its end', async () => {
  const onCancel = vi.fn();
  answering(new Response(stream(`${lines(text('a'), '[DONE]')}: bye\n\n`, 5, onCancel)));
  expect((await news()).at(-1)).toMatchObject({ kind: 'end' });
  expect(onCancel).not.toHaveBeenCalled();
});

test('who stops reading makes the server stop', async () => {
  const onCancel = vi.fn();
  answering(new Response(stream(lines(text('a'), text('b')), 5, onCancel)));
  for await (const one of new Client('').chat(body)) {
    expect(one).toEqual({ kind: 'text', text: 'a' });
    break;
  }
  expect(onCancel).toHaveBeenCalled();
});

test('an abort rejects with its reason', async () => {
  const reason = new Error('stopped by its user');
  answering(new TypeError('Failed to fetch'));
  await expect(news(new Client(''), AbortSignal.abort(reason))).rejects.toBe(reason);
});

test('models, readiness and counts', async () => {
  const client = new Client('');
  answering(Response.json({ data: [{ id: 'eyes' }, { id: 7 }, null] }));
  expect(await client.models()).toEqual([{ id: 'eyes' }]);
  answering(Response.json({ status: 'ready' }));
  expect(await client.isReady()).toBe(true);
  answering(Response.json({ status: 'closing' }, { status: 503 }));
  expect(await client.isReady()).toBe(false);
  answering(new TypeError('Failed to fetch'));
  expect(await client.isReady()).toBe(false);
  const asked = answering(Response.json({ count: 12, max_model_len: 4096 }));
  expect(await client.count(body)).toEqual({ count: 12, limit: 4096 });
  expect(asked.mock.calls[0]![0]).toBe('tokenize');
});
