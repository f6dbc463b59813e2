// A connection that is cut frees its place at once, whatever its chat is doing; others go on.
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/fake-model.js';
import {
  listening,
  open,
  pictured,
  pngUrl,
  post,
  type Serving,
  serving,
  WORDY,
} from '../support/serving.js';

/** Nothing is under way, and the place is free for the next. */
async function expectFree({ app, model }: Serving): Promise<void> {
  await eventually(() => expect(model.stats()).toMatchObject({ running: 0, queued: 0 }));
  expect((await post(app, { model: undefined })).status).toBe(200);
}

describe('44 a client that leaves', () => {
  it.each([true, false])('while its chat is prefilled or writes (stream: %s)', async (stream) => {
    const { opened, open: letGo } = gate();
    let nSteps = 0;
    const onStep = () => (++nSteps === 1 ? opened : undefined);
    const served = await serving({ fake: { onStep, reply: () => 'a'.repeat(1000) } });
    const { port } = await listening(served.app);
    const { request } = open(port, { stream });
    await eventually(() => expect(nSteps).toBe(1));
    request.destroy();
    await eventually(async () => expect(await connections(served)).toBe(0));
    letGo();
    await eventually(() => expect(served.model.stats().running).toBe(0));
    expect(nSteps).toBeLessThan(100);
    await expectFree(served);
  });

  it('while a picture is encoded', async () => {
    const { opened, open: letGo } = gate();
    let nEncoded = 0;
    const onEncode = () => (++nEncoded === 1 ? opened : undefined);
    const served = await serving({ fake: { onEncode } });
    const { port } = await listening(served.app);
    const { request } = open(port, { messages: pictured(await pngUrl()) });
    await eventually(() => expect(nEncoded).toBe(1));
    request.destroy();
    await eventually(async () => expect(await connections(served)).toBe(0));
    letGo();
    await eventually(() => expect(served.model.stats().running).toBe(0));
    expect(nEncoded).toBe(1);
    await expectFree(served);
  });

  it('while it waits in line', async () => {
    const { opened, open: letGo } = gate();
    const asked: string[] = [];
    const reply = (prompt: string) => {
      asked.push(prompt);
      return 'yes';
    };
    const served = await serving({ server: { slots: 1 }, fake: { reply, onStep: () => opened } });
    const { port } = await listening(served.app);
    const first = open(port, {});
    await eventually(() => expect(served.model.stats().running).toBe(1));
    const leaver = open(port, { messages: [{ role: 'user', content: 'leaver' }] });
    await eventually(async () => expect(await connections(served)).toBe(2));
    leaver.request.destroy();
    await eventually(async () => expect(await connections(served)).toBe(1));
    letGo();
    expect((await first.response).statusCode).toBe(200);
    await expectFree(served);
    expect(asked.some((prompt) => prompt.includes('leaver'))).toBe(false);
  });
});

it('45 one that leaves while a write waits for it is not waited for', async () => {
  const served = await serving(WORDY);
  const { port } = await listening(served.app);
  const { request, response } = open(port, { model: undefined, stream: true });
  const slow = await response;
  slow.pause();
  slow.on('error', () => {});
  await eventually(() => expect(served.model.stats().running).toBe(0));
  request.destroy();
  await eventually(async () => expect(await connections(served)).toBe(0));
  await expectFree(served);
});

it('46 a cancel ends no other chat', async () => {
  const { opened, open: letGo } = gate();
  const served = await serving({ fake: { onStep: () => opened, reply: () => 'a whole answer' } });
  const { port } = await listening(served.app);
  const chats = [0, 1, 2, 3].map((i) =>
    open(port, { messages: [{ role: 'user', content: `${i}` }] }),
  );
  const { model } = served;
  await eventually(() => expect(model.stats().running + model.stats().queued).toBe(4));
  for (const i of [0, 2]) chats[i]!.request.destroy();
  await eventually(async () => expect(await connections(served)).toBe(2));
  letGo();
  for (const i of [1, 3]) {
    const reply = await chats[i]!.response;
    const text = Buffer.concat(await reply.toArray()).toString();
    expect(JSON.parse(text).choices[0].message.content).toBe('a whole answer');
  }
  await expectFree(served);
});

function connections({ app }: Serving): Promise<number> {
  return new Promise((resolve) => app.server.getConnections((_, n) => resolve(n)));
}
