// What the log tells: that there was a request and how it ended, never what was asked or answered, nor a key.
import { expect, it } from 'vitest';
import type { ServerOptions } from '../../src/server/index.js';
import { gate } from '../support/fake-model.js';
import {
  listening,
  pictured,
  pngUrl,
  post,
  type ServingOptions,
  serving,
} from '../support/serving.js';

async function logged(fake: ServingOptions['fake'], more: ServerOptions = {}) {
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  const server = { apiKeys: ['secret-key'], logger: { level: 'debug', stream }, ...more };
  return { ...(await serving({ fake, server })), lines };
}

const headers = { authorization: 'Bearer secret-key', 'x-request-id': 'mine-1' };

it('has a line for each request, with its id and nothing of its contents', async () => {
  const { app, lines } = await logged({ reply: () => 'secret-answer' });
  const url = await pngUrl();
  const messages = pictured(url, 'secret-question');
  expect((await post(app, { messages, stop: 'secret-stop' }, headers)).status).toBe(200);
  expect((await post(app, { messages, stream: true }, headers)).status).toBe(200);
  expect((await post(app, { messages, temperature: 'secret-value' }, headers)).status).toBe(400);
  await app.inject({ url: '/v1/models?secret-query', headers });
  await app.inject({ url: '/secret-path', headers });
  const { port } = await listening(app);
  await fetch(`http://127.0.0.1:${port}/v1/models`, {
    headers: { authorization: 'Bearer secret-wrong' },
  });
  const log = lines.join('');
  expect(log).not.toMatch(/secret/);
  expect(log).not.toContain(url.slice(40, 80));
  const requests = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
  expect(requests.map(({ status }) => status)).toEqual([200, 200, 400, 200, 404, 401]);
  expect(requests[0]).toMatchObject({
    reqId: 'mine-1',
    method: 'POST',
    route: '/v1/chat/completions',
  });
});

it.each([false, true])(
  'tells where a failure of the server was, not what it says (stream: %s)',
  async (stream) => {
    let nSteps = 0;
    const onStep = () => {
      if (++nSteps === 3) throw new Error('secret-detail');
    };
    const { app, lines } = await logged({ onStep });
    await post(app, { stream }, headers);
    const failures = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 50);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ reqId: 'mine-1', frames: expect.any(Array) });
    expect(lines.join('')).not.toMatch(/secret/);
  },
);

it('calls it no failure of the server that there was no time left', async () => {
  const { opened, open: letGo } = gate();
  const { app, lines } = await logged({ onStep: () => opened }, { deadlineMs: 20 });
  setTimeout(letGo, 60);
  expect((await post(app, {}, headers)).status).toBe(504);
  const levels = lines.map((line) => JSON.parse(line).level);
  expect(levels).toEqual([30]);
});

it('takes no id that could break a line', async () => {
  const { app } = await serving();
  for (const id of ['a b', '{"a":1}', 'x'.repeat(100), ''])
    expect((await post(app, {}, { 'x-request-id': id })).headers['x-request-id']).toMatch(/^req_/);
});
