// Thousands of requests of every kind, good, bad and cut off, leave the server as it was after the first of them: memory, open
// files, children, temporary files. LLAVAOV_REQUESTS=20000 is an hour's worth: npm run test:leaks.

import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clipFolder, hasFfmpeg, makeClip } from '../media/drawn-clip.js';
import { filesIn, footprint, serveChild } from '../support/serve-child.js';
import { pictured } from '../support/serving.js';
import { skipUnless } from '../support/skip-unless.js';

const REQUESTS = Number(process.env.LLAVAOV_REQUESTS ?? 2000);
/** Of them, after which memory is compared. */
const WARM = Math.max(100, REQUESTS / 20);
const CLIENTS = 4;
const CLIP_EVERY = 150;
const PICTURES = 40;
/** What a process of this size breathes. */
const SLACK_BYTES = 64 * 2 ** 20;

const clips = clipFolder();
let clip = '';
beforeAll(async () => {
  if (!hasFfmpeg) return;
  await makeClip(clips.file('clip.mp4'), '-c:v mpeg4', { frames: 4 });
  clip = `data:video/mp4;base64,${readFileSync(clips.file('clip.mp4')).toString('base64')}`;
});
afterAll(clips.remove);

interface Asked {
  body: object | string;
  status: number;
  /** The client goes away before the answer, or after its first piece. */
  cut?: 'at once' | 'midway';
}

const text = (more: object = {}): Asked['body'] => ({
  messages: [{ role: 'user', content: 'Hello' }],
  max_tokens: 3,
  ...more,
});

/** Noise, so that bodies would show if they stayed; few enough that the cache, which may keep them, is full early. */
async function picture(n: number): Promise<string> {
  const seed = n % PICTURES;
  const data = Buffer.alloc(160 * 120 * 3).map((_, i) => (i * (2 * seed + 7919)) >> 3);
  const png = await sharp(data, { raw: { width: 160, height: 120, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

async function nth(n: number): Promise<Asked> {
  if (clip && n % CLIP_EVERY === 99)
    return {
      body: text({ messages: clipped(clip), media_io_kwargs: { video: { num_frames: 2 } } }),
      status: 200,
    };
  switch (n % 10) {
    case 0:
      return { body: text({ messages: pictured(await picture(n)), stream: true }), status: 200 };
    case 1:
      return { body: text({ stream: true, max_tokens: 500 }), status: 200, cut: 'midway' };
    case 2:
      return { body: text({ temperature: 'hot' }), status: 400 };
    case 3:
      return { body: text({ messages: pictured('data:image/png;base64,@@') }), status: 400 };
    case 4:
      return { body: '{"messages": [', status: 400 };
    case 5:
      return { body: text({ messages: pictured(await picture(n)) }), status: 0, cut: 'at once' };
    case 6:
      return { body: text({ stream: true }), status: 200 };
    default:
      return { body: text(), status: 200 };
  }
}

function clipped(url: string): object[] {
  const content = [
    { type: 'video_url', video_url: { url } },
    { type: 'text', text: 'What?' },
  ];
  return [{ role: 'user', content }];
}

/** @returns the status; 0 where the client went at once */
function ask(base: string, { body, cut }: Asked): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(`${base}/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json' },
    });
    sent.on('error', (error) => (cut ? resolve(0) : reject(error)));
    sent.on('response', (response) => {
      const done = () => resolve(response.statusCode!);
      response.on('data', () => cut && sent.destroy()).on('end', done);
      response.on('error', () => (cut ? done() : reject(new Error('cut off'))));
    });
    sent.end(typeof body === 'string' ? body : JSON.stringify(body), () => {
      if (cut === 'at once') setImmediate(() => sent.destroy());
    });
  });
}

async function run(base: string, from: number, to: number): Promise<void> {
  let next = from;
  const client = async () => {
    while (next < to) {
      const n = next++;
      const asked = await nth(n);
      const status = await ask(base, asked);
      if (asked.cut !== 'at once') expect(status, `request ${n}`).toBe(asked.status);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

const isLinux = process.platform === 'linux';

it(`${REQUESTS} requests leave nothing behind`, {
  timeout: 3_600_000,
  ...skipUnless(isLinux, 'reads /proc'),
}, async () => {
  // glibc's heaps of many threads grow by what is free in each, which is no leak and hides one.
  const env = { MALLOC_ARENA_MAX: '1' };
  const { child, base, temporary } = await serveChild(['--log-level', 'silent'], env);
  const pid = child.pid!;
  await run(base, 0, WARM);
  const before = footprint(pid);
  await run(base, WARM, REQUESTS);
  await expect
    .poll(() => footprint(pid).files, { timeout: 20_000 })
    .toBeLessThanOrEqual(before.files);
  const after = footprint(pid);
  expect(after.children).toEqual([]);
  expect(filesIn(temporary)).toEqual([]);
  expect(after.bytes - before.bytes).toBeLessThan(SLACK_BYTES);
  if (process.env.LLAVAOV_REQUESTS) console.log({ before, after });
});
