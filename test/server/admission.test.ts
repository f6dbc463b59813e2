// How much is taken on, who goes first, and how a server ends.
import { once, setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Admission } from '../../src/server/admission.js';
import type { ApiError } from '../../src/server/api-error.js';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/fake-model.js';
import { eventsOf, listening, open, pictured, pngUrl, post, serving } from '../support/serving.js';

const never = new AbortController().signal;
setMaxListeners(0, never);

/** The order in which chats of these costs get the only slot, all waiting from the start. */
async function order(costs: number[]): Promise<number[]> {
  const admission = new Admission({ slots: 1, maxQueued: 1000, maxBytes: 1e9 });
  const { opened, open: letGo } = gate();
  const started: number[] = [];
  const first = admission.arrive(0).inSlot(0, never, () => opened);
  const others = costs.map((cost, i) =>
    admission.arrive(0).inSlot(cost, never, async () => void started.push(i)),
  );
  letGo();
  await Promise.all([first, ...others]);
  return started;
}

describe('in line', () => {
  it('is first what comes first', async () => {
    expect(await order([100, 100, 100])).toEqual([0, 1, 2]);
  });

  it('goes first what is short', async () => {
    expect(await order([5000, 100, 5000, 100])).toEqual([1, 3, 0, 2]);
  });

  it('nobody is overtaken by more than sixteen', async () => {
    const costs = [1e6, ...Array.from({ length: 40 }, () => 1)];
    expect((await order(costs)).indexOf(0)).toBe(15);
  });

  it('who gives up leaves no gap', async () => {
    const admission = new Admission({ slots: 1, maxQueued: 9, maxBytes: 1e9 });
    const { opened, open: letGo } = gate();
    const first = admission.arrive(0).inSlot(0, never, () => opened);
    const leaver = new AbortController();
    const left = admission.arrive(0).inSlot(0, leaver.signal, async () => 'ran');
    const last = admission.arrive(0).inSlot(0, never, async () => 'ran');
    leaver.abort('gone');
    await expect(left).rejects.toBe('gone');
    letGo();
    expect(await last).toBe('ran');
    await first;
    expect(admission.running).toBe(0);
  });
});

it('47 the queue is bounded, in requests and bytes, and gives them back', () => {
  const admission = new Admission({ slots: 2, maxQueued: 3, maxBytes: 100 });
  const visits = [10, 20, 30, 10, 10].map((bytes) => admission.arrive(bytes));
  const refused = (bytes: number) => {
    try {
      admission.arrive(bytes);
    } catch (error) {
      return (error as ApiError).status;
    }
    return 0;
  };
  expect(refused(1)).toBe(429);
  visits.pop()!.leave();
  expect(refused(31)).toBe(429);
  expect(() => visits[0]!.addBytes(31)).toThrow(/bytes/);
  for (const visit of visits) {
    visit.leave();
    visit.leave();
  }
  expect([admission.bytes, admission.queued, admission.isIdle]).toEqual([0, 0, true]);
});

it('Retry-After is what chats took', async () => {
  let now = 0;
  const admission = new Admission({ slots: 2, maxQueued: 999, maxBytes: 1e9, now: () => now });
  const run = (ms: number) =>
    admission.arrive(0).inSlot(0, never, async () => {
      now += ms;
    });
  expect(admission.retryAfter).toBe(1);
  await run(20_000);
  expect(admission.retryAfter).toBe(10);
  for (let i = 0; i < 50; i++) await run(1000);
  expect(admission.retryAfter).toBe(1);
  for (let i = 0; i < 50; i++) await run(1e6);
  expect(admission.retryAfter).toBe(60);
});

it('47 requests beyond the queue are 429 with Retry-After, the others are answered', async () => {
  const { opened, open: letGo } = gate();
  const served = await serving({
    server: { slots: 1, maxQueued: 2 },
    fake: { onStep: () => opened },
  });
  const { port } = await listening(served.app);
  const replies = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const { response } = open(port, {});
      void eventually(() => expect(served.model.stats().running).toBe(1)).then(letGo);
      const reply = await response;
      reply.resume();
      return { status: reply.statusCode, after: reply.headers['retry-after'] };
    }),
  );
  const refused = replies.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(1);
  expect(refused.every(({ after }) => Number(after) >= 1)).toBe(true);
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(12 - refused.length);
});

it('26 one that asks for a long answer does not shut the others out', async () => {
  const { opened, open: letGo } = gate();
  let nSteps = 0;
  const onStep = () => (++nSteps > 40 ? opened : undefined);
  const served = await serving({ fake: { onStep, reply: () => 'a'.repeat(3000) } });
  const { port } = await listening(served.app);
  const chats = Array.from({ length: 4 }, (_, i) =>
    open(port, { max_tokens: 1e9, messages: [{ role: 'user', content: `${i}` }] }),
  );
  await eventually(() => expect(served.model.stats()).toMatchObject({ running: 4, queued: 0 }));
  for (const { request } of chats) request.destroy();
  letGo();
  await eventually(() => expect(served.model.stats().running).toBe(0));
});

it('a thousand at once are all answered, or told to come again', async () => {
  const { opened, open: letGo } = gate();
  const served = await serving({ server: { maxQueued: 100 }, fake: { onStep: () => opened } });
  const { port } = await listening(served.app);
  let nRefused = 0;
  const statuses = await Promise.all(
    Array.from({ length: 1000 }, async () => {
      const reply = await open(port, {}).response;
      if (reply.statusCode === 429 && ++nRefused === 1000 - 108) letGo();
      reply.resume();
      await once(reply, 'end');
      return reply.statusCode!;
    }),
  );
  expect(statuses.filter((status) => status === 200)).toHaveLength(108);
  expect(statuses.filter((status) => status === 429)).toHaveLength(892);
  expect(served.model.stats()).toMatchObject({ running: 0, queued: 0 });
  expect((await post(served.app, {})).status).toBe(200);
});

it('23, 24 one key sees nothing of what another’s pictures and prompts have left', async () => {
  const { app, binding } = await serving({ server: { apiKeys: ['mine', 'yours'] } });
  const messages = pictured(await pngUrl());
  const ask = async (key: string) => {
    const { json } = await post(app, { messages }, { authorization: `Bearer ${key}` });
    const { cached_tokens: cached } = json.usage.prompt_tokens_details;
    return [cached > 0, json.llava_onevision.media[0].cached, binding.nEncoded];
  };
  expect(await ask('mine')).toEqual([false, false, 5]);
  expect(await ask('yours')).toEqual([false, false, 10]);
  expect(await ask('mine')).toEqual([true, true, 10]);
});

describe('a deadline', () => {
  it('ends an answer that is not streamed with 504, and frees its place', async () => {
    const { opened, open: letGo } = gate();
    const served = await serving({ server: { deadlineMs: 50 }, fake: { onStep: () => opened } });
    const asked = post(served.app, {});
    setTimeout(letGo, 100);
    const { status, json, headers } = await asked;
    expect([status, json.error.code]).toEqual([504, 'deadline_exceeded']);
    expect(headers['x-should-retry']).toBe('false');
    await eventually(() => expect(served.model.stats().running).toBe(0));
  });

  it('ends a stream with an error event', async () => {
    const { opened, open: letGo } = gate();
    const served = await serving({
      server: { streamDeadlineMs: 50 },
      fake: { onStep: () => opened },
    });
    setTimeout(letGo, 100);
    const { status, text } = await post(served.app, { stream: true });
    expect(status).toBe(200);
    expect(eventsOf(text).at(-1).error.code).toBe('deadline_exceeded');
  });
});

it('a silent stream has comment lines, and its headers at once', async () => {
  const { opened, open: letGo } = gate();
  const { app } = await serving({ server: { heartbeatMs: 20 }, fake: { onStep: () => opened } });
  const { port } = await listening(app);
  const reply = await open(port, { stream: true }).response;
  expect(reply.statusCode).toBe(200);
  let text = '';
  reply.on('data', (chunk) => {
    text += chunk;
  });
  await eventually(() => expect(text.match(/^: $/gm)?.length).toBeGreaterThan(1));
  letGo();
  await once(reply, 'end');
  expect(text).toContain('[DONE]');
});

describe('55 closing', () => {
  it('lets answers finish, and takes no more', async () => {
    const { opened, open: letGo } = gate();
    const served = await serving({ server: { drainMs: 60_000 }, fake: { onStep: () => opened } });
    const { port, url } = await listening(served.app);
    const reply = await open(port, { stream: true }).response;
    const closed = served.app.close();
    await eventually(async () => expect((await fetch(`${url}/ready`)).status).toBe(503));
    const refused = await fetch(`${url}/v1/models`);
    expect([refused.status, (await refused.json()) as object]).toMatchObject([
      503,
      { error: { code: 'closing' } },
    ]);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    letGo();
    expect(Buffer.concat(await reply.toArray()).toString()).toContain('[DONE]');
    await closed;
  });

  it('ends streams with an error event where they take too long', async () => {
    const { opened, open: letGo } = gate();
    const served = await serving({ server: { drainMs: 30 }, fake: { onStep: () => opened } });
    const { port } = await listening(served.app);
    const stream = await open(port, { stream: true }).response;
    const whole = open(port, {});
    await eventually(() => {
      const { running, queued } = served.model.stats();
      expect(running + queued).toBe(2);
    });
    const closed = served.app.close();
    setTimeout(letGo, 60);
    const text = Buffer.concat(await stream.toArray()).toString();
    expect(eventsOf(text).at(-1).error.code).toBe('closing');
    expect((await whole.response).statusCode).toBe(503);
    await closed;
  });
});

it('56 metrics and all else need the key; health tells nothing', async () => {
  const { app } = await serving({ server: { apiKeys: ['secret'] } });
  const paths = ['/metrics', '/v1/models', '/v1/responses/x', '/docs', '/admin', '/'];
  for (const url of paths) expect([url, (await app.inject(url)).statusCode]).toEqual([url, 401]);
  expect((await app.inject('/health')).json()).toEqual({ status: 'ok' });
  expect((await app.inject('/ready')).json()).toEqual({ status: 'ready' });
});
