// A thousand connections at once: each is answered, or told to come back. And a server that is killed outright.

import { mkdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { clipFolder, hasFfmpeg, makeClip } from '../media/drawn-clip.js';
import { endlessFfmpeg } from '../support/endless-ffmpeg.js';
import { filesIn, footprint, isAlive, killed, serveChild } from '../support/serve-child.js';
import { skipUnless } from '../support/skip-unless.js';

const CONNECTIONS = 1000;

function post(base: string, agent: Agent, body: object) {
  return new Promise<{ status: number; retryAfter: string | undefined }>((resolve, reject) => {
    const options = { method: 'POST', agent, headers: { 'content-type': 'application/json' } };
    const sent = request(`${base}/chat/completions`, options, (response) => {
      const { statusCode: status = 0, headers } = response;
      response.resume().on('end', () => resolve({ status, retryAfter: headers['retry-after'] }));
    });
    sent.on('error', reject).end(JSON.stringify(body));
  });
}

it(`${CONNECTIONS} connections at once are all answered, or told when to come back`, async () => {
  const { base } = await serveChild([
    '--log-level',
    'silent',
    '--slots',
    '8',
    '--max-queued',
    '100',
  ]);
  const agent = new Agent({ keepAlive: true });
  const body = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 };
  const all = await Promise.all(Array.from({ length: CONNECTIONS }, () => post(base, agent, body)));
  const count = (wanted: number) => all.filter(({ status }) => status === wanted).length;
  expect(count(200)).toBeGreaterThanOrEqual(108);
  expect(count(200) + count(429)).toBe(CONNECTIONS);
  for (const { status, retryAfter } of all)
    if (status === 429) expect(Number(retryAfter)).toBeGreaterThan(0);
  expect((await post(base, agent, body)).status).toBe(200);
  agent.destroy();
});

const clips = clipFolder();
afterAll(clips.remove);

describe('SIGKILL', skipUnless(process.platform === 'linux', 'reads /proc'), () => {
  it('leaves no child and no copy of a clip', skipUnless(hasFfmpeg, 'needs ffmpeg'), async () => {
    await makeClip(clips.file('clip.ts'), '-c:v mpeg2video', { frames: 8 });
    const bytes = readFileSync(clips.file('clip.ts'));
    const ffmpeg = endlessFfmpeg(clips.file('endless'));
    const { child, base, temporary } = await serveChild(['--log-level', 'silent'], {
      LLAVAOV_FFMPEG: ffmpeg,
      LLAVAOV_FFPROBE: 'ffprobe',
    });
    const url = `data:video/mp2t;base64,${bytes.toString('base64')}`;
    const messages = [{ role: 'user', content: [{ type: 'video_url', video_url: { url } }] }];
    const agent = new Agent();
    const answer = post(base, agent, { messages }).catch((error) => error);
    const running = () => footprint(child.pid!).children.filter(runsEndlessly);
    await expect.poll(() => running().length, { timeout: 30_000 }).toBe(1);
    const [decoder] = running();
    await killed(child);
    expect(await answer).toBeInstanceOf(Error);
    await expect.poll(() => isAlive(decoder!)).toBe(false);
    expect(filesIn(temporary)).toEqual([]);
  });

  it('leaves whole rows of pictures, or none', async () => {
    const folder = clips.file('rows');
    mkdirSync(folder, { recursive: true });
    const { child, base } = await serveChild([
      '--log-level',
      'silent',
      '--visual-cache-dir',
      folder,
    ]);
    const agent = new Agent();
    const picture = readFileSync(join(import.meta.dirname, '../golden/media/d1-1.png'));
    const url = `data:image/png;base64,${picture.toString('base64')}`;
    const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];
    const answer = post(base, agent, { messages, max_tokens: 1 }).catch((error) => error);
    await expect.poll(() => filesIn(folder).length, { timeout: 30_000 }).toBeGreaterThan(0);
    await killed(child);
    await answer;
    const { base: again } = await serveChild([
      '--log-level',
      'silent',
      '--visual-cache-dir',
      folder,
    ]);
    expect((await post(again, agent, { messages, max_tokens: 1 })).status).toBe(200);
  });
});

/** By what it was started with; the program may not be there yet. */
function runsEndlessly(pid: number): boolean {
  try {
    return /lavfi/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}
