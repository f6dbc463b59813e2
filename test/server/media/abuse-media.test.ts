// Pictures and caches in requests: what is checked before anything is fetched, and what one key learns of another's.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abused } from '../../support/bystander.js';
import { allQuestions } from '../../support/demo-questions.js';
import { type DemoServer, demoServer, drawn } from '../../support/demo-server.js';
import { pictured, pngUrl, post, serving } from '../../support/serving.js';

describe('21 the number of parts', () => {
  it('21 is checked before any is fetched', async () => {
    const lookups: string[] = [];
    const media = {
      ...{ maxParts: 2, allowUrls: ['*'] },
      lookup: ((name: string, _: object, callback: (error: Error) => void) => {
        lookups.push(name);
        callback(new Error('no name server'));
      }) as never,
    };
    const { app } = await serving({ server: { media } });
    const part = { type: 'image_url', image_url: { url: 'http://media.example/a.png' } };
    const ask = (parts: number) =>
      post(app, { messages: [{ role: 'user', content: Array(parts).fill(part) }] });
    const { status, json } = await ask(3);
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ type: 'invalid_request_error', param: 'messages' });
    expect(lookups).toEqual([]);
    expect((await ask(2)).status).toBe(400);
    expect(lookups).not.toEqual([]);
  });
});

describe('11 to 22 pictures beside another request', () => {
  const parts = (urls: string[]) => [
    { role: 'user', content: urls.map((url) => ({ type: 'image_url', image_url: { url } })) },
  ];

  it('that are refused slow it down no more than they may', async () => {
    const { app, asked } = await abused({ server: { media: { maxPixels: 1e6 } } });
    const svg = `data:image/svg+xml;base64,${Buffer.from('<svg/>').toString('base64')}`;
    const bomb = await pngUrl(0, 1500);
    const broken = `data:image/png;base64,${'iVBO'.repeat(1e6)}=A`;
    for (const url of [svg, bomb, broken, 'file:///etc/passwd', 'http://127.0.0.1/', '/etc/passwd'])
      expect((await post(app, { messages: parts([url]) })).status, url.slice(0, 30)).toBe(400);
    expect(asked).toEqual([]);
  });

  it('that are encoded take a turn between two of its steps', async () => {
    const { app, binding } = await abused();
    const ask = async (from: number) => {
      const urls = await Promise.all(Array.from({ length: 16 }, (_, i) => pngUrl(from + i)));
      const wish = { max_tokens: 1, llava_onevision: { multi_image: 'anyres' } };
      return post(app, { messages: parts(urls), ...wish });
    };
    // As many as have room at one time beside the other.
    const all = await Promise.all([0, 16, 32, 48, 64, 80, 96].map(ask));
    expect(all.filter(({ status }) => status === 200)).toHaveLength(7);
    expect(binding.nEncoded).toBe(7 * 16 * 5);
  });
});

it('9, 22 a refusal names the part, and neither address nor path', async () => {
  const { app } = await serving({ server: { media: { allowUrls: ['*'], mediaDir: '/' } } });
  for (const url of ['http://127.0.0.1/', 'http://[::1]/', 'file:///etc/no-such', 'data:,x']) {
    const { status, json, text } = await post(app, { messages: pictured(url) });
    expect(status, url).toBe(400);
    expect(json.error.param).toBe('messages[0].content[0].image_url');
    expect(text).not.toMatch(/127\.0|::1|\/etc|ENOENT|ECONN/);
  }
});

describe('on the demo model', () => {
  let server: DemoServer;
  beforeAll(async () => {
    server = await demoServer({ apiKeys: ['key-a', 'key-b', 'key-c'] });
  });
  afterAll(() => server.close());

  async function ask(key: string, url: string, text: string) {
    const response = await fetch(`${server.base}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({
        ...{ model: 'demo', messages: pictured(url, text), temperature: 0, max_tokens: 32 },
      }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: an answer's JSON
    return (await response.json()) as any;
  }

  it('23 the same prompt with another picture gets its own answer', async () => {
    const one = drawn('shape');
    const other = allQuestions.find(
      ({ question, reference }) => question === one.question && reference !== one.reference,
    )!;
    for (const { images, reference } of [one, other, one]) {
      const { choices } = await ask('key-a', images![0]!, one.question);
      expect(choices[0].message.content).toBe(reference);
    }
  });

  it('24 nobody learns what another key has asked', async () => {
    const { images, question } = drawn('number', 3);
    const told = async (key: string) => {
      const { usage, llava_onevision: own } = await ask(key, images[0]!, question);
      const { cached_tokens: cached } = usage.prompt_tokens_details;
      return { cached, isCached: own.media[0].cached, isEncoded: own.timings.encode_ms > 0 };
    };
    const fresh = { cached: 0, isCached: false, isEncoded: true };
    expect(await told('key-b')).toEqual(fresh);
    expect(await told('key-b')).toMatchObject({ isCached: true });
    expect(await told('key-c')).toEqual(fresh);
    expect(await told('key-c')).toMatchObject({ isCached: true });
  });

  it('15 a picture of one pixel is answered about', async () => {
    const { choices } = await ask('key-a', await pngUrl(3, 1), 'What is shown in this image?');
    expect(choices[0].message.content).toBeTypeOf('string');
  });
});
