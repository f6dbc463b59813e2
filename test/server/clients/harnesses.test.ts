// What harnesses send: lmms-eval's two forms of a clip, and our own `eval` through the server.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpointAsker } from '../../../src/eval/endpoint-asker.js';
import { localAsker } from '../../../src/eval/local-asker.js';
import { questionContent } from '../../../src/eval/question.js';
import { hasFfmpeg, makeClip } from '../../media/drawn-clip.js';
import { type DemoServer, demoServer, drawn, GREEDY, KEY } from '../../support/demo-server.js';
import { skipUnless } from '../../support/skip-unless.js';

let server: DemoServer;
const mediaDir = mkdtempSync(join(tmpdir(), 'harness-clips-'));
const signal = new AbortController().signal;

beforeAll(async () => {
  server = await demoServer({ media: { mediaDir } });
});
afterAll(async () => {
  await server.close();
  rmSync(mediaDir, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: an answer's JSON
async function post(body: object): Promise<any> {
  const response = await fetch(`${server.base}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ model: 'demo', ...GREEDY, ...body }),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

describe('lmms-eval', () => {
  /** Its payload: `max_tokens` and `temperature`, the frames as pictures before the text. */
  const payload = (urls: readonly string[], text: string) => ({
    messages: [
      {
        role: 'user',
        content: [
          ...urls.map((url) => ({ type: 'image_url', image_url: { url } })),
          { type: 'text', text },
        ],
      },
    ],
  });

  it('sends the frames of a clip as pictures', async () => {
    const { video, question } = drawn('motion');
    const answer = await post(payload(video!, question));
    const content = [
      ...video!.map((image) => ({ type: 'image' as const, image })),
      { type: 'text' as const, text: question },
    ];
    const own = await server.model.chat([{ role: 'user', content }], {
      temperature: 0,
      maxTokens: 32,
    }).result;
    expect(answer.choices[0].message.content).toBe(own.text);
    expect(answer.usage.prompt_tokens_details.image_tokens).toBe(own.usage.visualTokens);
  });

  it(
    'sends the path of a clip and the number of its frames',
    skipUnless(hasFfmpeg, 'needs ffmpeg'),
    async () => {
      const video = await makeClip(join(mediaDir, 'clip.mp4'), '-c:v mpeg4', { frames: 12 });
      const text = 'Which way does the circle move?';
      const url = pathToFileURL(video).href;
      const answer = await post({
        messages: [
          {
            role: 'user',
            content: [
              { type: 'video_url', video_url: { url } },
              { type: 'text', text },
            ],
          },
        ],
        media_io_kwargs: { video: { num_frames: 4 } },
      });
      const content = [
        { type: 'video' as const, video, frames: 4 },
        { type: 'text' as const, text },
      ];
      const own = await server.model.chat([{ role: 'user', content }], {
        temperature: 0,
        maxTokens: 32,
      }).result;
      expect(answer.llava_onevision.media).toMatchObject([
        { kind: 'video', rows: own.media[0]!.rows },
      ]);
      expect(answer.choices[0].message.content).toBe(own.text);
    },
  );
});

it('eval gives the same answers through the server as without it', async () => {
  const about = { identity: { kind: 'local' }, label: 'here' };
  const local = localAsker(server.model, about);
  const remote = endpointAsker({ url: server.base, apiKey: KEY, model: 'demo' });
  const tasks = ['shape', 'count', 'corner', 'number', 'pair'];
  for (const { images, question } of tasks.flatMap((task) => [drawn(task, 1), drawn(task, 2)])) {
    const content = questionContent(question, { images, frames: [] });
    const asked = { content, maxTokens: 32, multiImage: 'pad' as const };
    const [here, there] = [await local.ask(asked, signal), await remote.ask(asked, signal)];
    expect({ ...there, visualTokens: here.visualTokens }).toEqual(here);
  }
});
