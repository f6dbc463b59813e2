import { beforeEach, expect, test } from 'vitest';
import { page, said, seen, type ToldClient } from './page-state.js';

const asking = await import('../../../../src/server/page/model/asking.js');
const conversations = await import('../../../../src/server/page/model/conversations.js');
const { Draft } = await import('../../../../src/server/page/model/draft.js');
const { hold, blobOf } = await import('../../../../src/server/page/model/media.js');
const { notice } = await import('../../../../src/server/page/model/notices.js');
const state = await import('../../../../src/server/page/model/state.js');
const { StorageFull } = await import('../../../../src/server/page/model/store-contract.js');
const wire = await import('../../../../src/server/page/wire/errors.js');
const { giveKey, link, wantsKey } = await import('../../../../src/server/page/model/link.js');

let client: ToldClient;
let store: Awaited<ReturnType<typeof page>>['store'];

beforeEach(async () => {
  ({ client, store } = await page());
  state.conversations.value = [];
  await conversations.openNew();
  state.turns.value = [];
  notice.value = null;
});

const texts = () => state.shown.value.map(({ text }) => text);
const last = () => state.shown.value.at(-1)!;

function draftOf(text: string, ...names: string[]) {
  const draft = new Draft();
  draft.text.value = text;
  draft.media.value = names.map((name) => hold(new Blob(['x'], { type: 'image/png' }), name));
  return draft;
}

async function ask(text: string, ...answer: string[]) {
  client.answers.push(said(...answer));
  await asking.ask(draftOf(text));
}

test('a question and its answer are shown, kept and named', async () => {
  client.answers.push([{ kind: 'queued', place: 1 }, ...said('A cat', '.')]);
  const draft = draftOf('What is it?\nTell me.', 'a.png');
  await asking.ask(draft);
  expect(draft.isEmpty).toBe(true);
  expect(texts()).toEqual(['What is it?\nTell me.', 'A cat.']);
  expect(last()).toMatchObject({ state: 'done', model: 'demo-f16', seen });
  const [kept] = await store.conversations();
  expect(kept).toMatchObject({ title: 'What is it?', leaf: last().id });
  const turns = await store.turns(kept!.id);
  expect(turns.map(({ text }) => text)).toEqual(texts());
  expect(await store.media(turns[0]!.media[0]!.id)).toBeInstanceOf(Blob);
});

test('a picture alone is asked about', async () => {
  client.answers.push(said('A cat.'));
  await asking.ask(draftOf('', 'a.png'));
  expect(texts()[0]).toBe('Describe the image.');
});

test('another answer and another question are branches, and both can be turned to', async () => {
  await ask('One?', 'first');
  client.answers.push(said('second'));
  await asking.askAgain(last());
  expect(texts()).toEqual(['One?', 'second']);
  client.answers.push(said('third'));
  await asking.askInstead(state.shown.value[0]!, draftOf('Two?'));
  expect(texts()).toEqual(['Two?', 'third']);
  asking.showBranch(state.turns.value[0]!);
  expect(texts()).toEqual(['One?', 'second']);
  asking.showBranch(state.turns.value[1]!);
  expect(texts()).toEqual(['One?', 'first']);
  expect(client.asked.map(({ messages }) => messages.length)).toEqual([1, 1, 1]);
});

test('a stopped answer keeps what it has, and is gone on in', async () => {
  client.answers.push([{ kind: 'text', text: 'A big ' }, 'hangs']);
  const asked = asking.ask(draftOf('What?'));
  await new Promise((resolve) => setTimeout(resolve));
  await expect.poll(() => asking.canAsk()).toBe(false);
  await expect.poll(() => client.asked.length).toBe(1);
  asking.stop();
  await asked;
  expect(last()).toMatchObject({ text: 'A big ', state: 'stopped' });
  client.answers.push(said('cat.'));
  await asking.goOn(last());
  expect(last()).toMatchObject({ text: 'A big cat.', state: 'done' });
  expect(client.asked[1]).toMatchObject({ continue_final_message: true });
  expect(state.turns.value).toHaveLength(2);
});

test('what fails says why, and the server that is gone is looked for', async () => {
  client.answers.push([new wire.Unreachable()]);
  await asking.ask(draftOf('What?'));
  expect(last()).toMatchObject({ state: 'failed', error: 'The server did not answer.' });
  expect(link.value).toBe('down');
  link.value = 'up';
  client.answers.push([{ kind: 'text', text: 'A' }, new wire.Unreachable()]);
  await asking.askAgain(last());
  expect(last()).toMatchObject({ text: 'A', error: 'The connection broke off.' });
});

test('a full disk costs a message and no words', async () => {
  store.put = () => Promise.reject(new StorageFull());
  store.addMedia = () => Promise.reject(new StorageFull());
  client.answers.push(said('A cat.'));
  await asking.ask(draftOf('What?', 'a.png'));
  expect(texts()).toEqual(['What?', 'A cat.']);
  expect(notice.value).toMatchObject({ isUrgent: true, text: /storage is full/ });
  expect(await blobOf(state.shown.value[0]!.media[0]!.id)).toBeInstanceOf(Blob);
});

test('a deleted conversation comes back by undo', async () => {
  await ask('One?', 'first');
  const one = state.current.value;
  conversations.remove(one);
  expect(conversations.listed.value).toEqual([]);
  expect(state.current.value.leaf).toBe(null);
  notice.value?.action?.run();
  expect(conversations.listed.value.map(({ id }) => id)).toEqual([one.id]);
  await conversations.open(one.id);
  expect(texts()).toEqual(['One?', 'first']);
});

test('what cannot be kept is asked all the same, where it was asked, and once', async () => {
  let fail = () => {};
  store.addMedia = () =>
    new Promise((_, reject) => {
      fail = () => reject(new Error('broken'));
    });
  await ask('One?', 'first');
  const one = state.current.value.id;
  client.answers.push(said('A cat.'));
  const asked = asking.ask(draftOf('What?', 'a.png'));
  expect(asking.canAsk()).toBe(false);
  await conversations.openNew();
  fail();
  await asked;
  expect(notice.value).toMatchObject({ isUrgent: true, text: /did not keep it: broken/ });
  await conversations.open(one);
  expect(texts()).toEqual(['One?', 'first', 'What?', 'A cat.']);
  expect(client.asked[1]!.messages).toHaveLength(3);
});

test('an attachment that is taken out again is held no longer, one that is a turn’s is', async () => {
  store.addMedia = () => Promise.reject(new StorageFull());
  const draft = new Draft();
  const file = (name: string) => new File(['x'], name, { type: 'image/png' });
  await draft.add([file('a.png'), file('b.png')]);
  const [a, b] = draft.media.value;
  draft.remove(a!.id);
  expect(await blobOf(a!.id)).toBeUndefined();
  client.answers.push(said('A cat.'));
  await asking.ask(draft);
  const otherwise = Draft.of(state.shown.value[0]!);
  otherwise.remove(b!.id);
  expect(await blobOf(b!.id)).toBeInstanceOf(Blob);
});

test('a key that no header can hold is wrong, and is not sent', async () => {
  expect(await giveKey('schlüssel', true)).toBe(false);
  expect([wantsKey.value, link.value, client.key]).toEqual(['wrong', 'up', undefined]);
  wantsKey.value = false;
});

test('what was added to a question that is not asked is let go; of an asked one it is kept', async () => {
  const draft = Draft.of({ ...(await asked()), media: [hold(new Blob(['x']), 'first.png')] });
  const [first] = draft.media.value;
  await draft.add([new File(['y'], 'second.png', { type: 'image/png' })]);
  const second = draft.media.value[1]!;
  draft.discard();
  expect([await blobOf(first!.id), await blobOf(second.id)]).toEqual([expect.any(Blob), undefined]);
  await draft.add([new File(['z'], 'third.png', { type: 'image/png' })]);
  const third = draft.media.value[0]!;
  client.answers.push(said('yes'));
  await asking.ask(draft);
  draft.discard();
  expect(await blobOf(third.id)).toEqual(expect.any(Blob));
});

async function asked() {
  await ask('one', 'two');
  return state.turns.value[0]!;
}
