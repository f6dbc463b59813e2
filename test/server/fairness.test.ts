// What keys leave to each other: slots, places in the queue, bytes.
import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Admission } from '../../src/server/admission.js';
import type { ApiError } from '../../src/server/api-error.js';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/fake-model.js';
import { post, serving } from '../support/serving.js';

const never = new AbortController().signal;
setMaxListeners(0, never);

describe('several keys', () => {
  const shared = { maxBytes: 400, isShared: () => true };
  const status = (admit: () => unknown) => {
    try {
      admit();
    } catch (error) {
      return (error as ApiError).status;
    }
    return 0;
  };

  it('have slots in turn, however many one of them asks for', async () => {
    const admission = new Admission({ slots: 2, maxQueued: 100, ...shared });
    const { opened, open: letGo } = gate();
    const started: string[] = [];
    const ask = (owner: string, cost = 1) =>
      admission.arrive(0, owner).inSlot(cost, never, async () => {
        started.push(owner);
        await opened;
      });
    const chats = Array.from({ length: 10 }, () => ask('a'));
    chats.push(ask('b', 1e6), ask('b', 1e6), ask('c', 1e6));
    letGo();
    await Promise.all(chats);
    // Two of a's ran before the others came; then whoever has fewest, and was served longest ago.
    expect(started.slice(0, 7).join('')).toMatch(/^aa[bc]{2}.*b/);
    expect(started.join('').indexOf('c')).toBeLessThan(4);
    expect(started.filter((owner) => owner === 'a')).toHaveLength(10);
    expect([admission.queued, admission.running]).toEqual([0, 0]);
  });

  it('that ask one after the other do not keep one waiting that has many', async () => {
    const admission = new Admission({ slots: 1, maxQueued: 100, ...shared });
    const started: string[] = [];
    const ask = async (owner: string) =>
      admission.arrive(0, owner).inSlot(1, never, async () => void started.push(owner));
    const again = async (owner: string) => {
      for (let i = 0; i < 6; i++) await ask(owner);
    };
    await Promise.all([again('x'), again('y'), ...Array.from({ length: 6 }, () => ask('many'))]);
    // Of the first nine each has three.
    const first = started.slice(0, 9);
    for (const owner of ['x', 'y', 'many'])
      expect(first.filter((one) => one === owner).length).toBeGreaterThanOrEqual(2);
  });

  it('47 leave places and bytes to each other', () => {
    const admission = new Admission({ slots: 2, maxQueued: 6, ...shared });
    const take = (owner: string, bytes = 0) => status(() => admission.arrive(bytes, owner));
    const greedy = Array.from({ length: 8 }, () => take('greedy'));
    expect(greedy).toEqual([0, 0, 0, 0, 0, 0, 429, 429]);
    expect([take('late'), take('later'), take('latest')]).toEqual([0, 0, 429]);
    const bytes = new Admission({ slots: 9, maxQueued: 9, ...shared });
    const send = (owner: string) => status(() => bytes.arrive(100, owner));
    expect([send('a'), send('a'), send('a'), send('a')]).toEqual([0, 0, 0, 429]);
    expect([send('b'), send('c')]).toEqual([0, 429]);
    // One request that grows is not a second one.
    const visit = new Admission({ slots: 9, maxQueued: 9, ...shared }).arrive(200, 'a');
    expect(status(() => visit.addBytes(180))).toBe(0);
  });

  it('of a server take turns as its requests do', async () => {
    const { opened, open: letGo } = gate();
    const served = await serving({
      server: { slots: 1, maxQueued: 7, apiKeys: ['one', 'two'] },
      fake: { onStep: () => opened },
    });
    const order: string[] = [];
    const ask = async (key: string) => {
      const reply = await post(served.app, {}, { authorization: `Bearer ${key}` });
      if (reply.status === 200) order.push(key);
      return reply.status;
    };
    const all = Array.from({ length: 8 }, () => ask('one'));
    await eventually(() => expect(served.model.stats().running).toBe(1));
    all.push(ask('two'));
    await eventually(async () =>
      expect(
        (await served.app.inject({ url: '/metrics', headers: { 'x-api-key': 'two' } })).body,
      ).toMatch(/requests_queued\S* 6\n/),
    );
    letGo();
    const statuses = await Promise.all(all);
    expect(statuses.slice(0, 8).filter((one) => one === 429)).toHaveLength(2);
    expect([statuses.at(-1), order.indexOf('two')]).toEqual([200, 1]);
  });
});
