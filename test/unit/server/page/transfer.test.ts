import { expect, test, vi } from 'vitest';
import { MemoryStore } from '../../../../src/server/page/model/memory-store.js';
import { StorageFull } from '../../../../src/server/page/model/store.js';
import {
  exportJson,
  exportMarkdown,
  importJson,
  importMarkdown,
} from '../../../../src/server/page/model/transfer.js';
import type { Seen, Turn } from '../../../../src/server/page/model/types.js';
import { conversation, picture, turn } from './turns.js';

const size = { width: 4, height: 3 };
const seen: Seen = {
  media: [
    {
      ...{ kind: 'image', rows: 6, cached: false, image: size, canvas: size, tile: 112 },
      ...{ picture: { x: 0, y: 1, ...size }, kept: { x: 0, y: 1, ...size } },
      ...{ grid: { cols: 2, rows: 1 }, hasOverview: true },
    },
    { kind: 'video', rows: 6, cached: true, seconds: 2, frames: [0, 1.5] },
  ],
  usage: { promptTokens: 1, imageTokens: 2, cachedTokens: 3, completionTokens: 4 },
  timings: { encode_ms: 1.5 },
  seed: 7,
};
/** Longer than what is coded at one time. */
const long = Uint8Array.from({ length: 500_000 }, (_, i) => (i * 7) % 256);

async function filled(bytes = long.subarray(0, 10)): Promise<MemoryStore> {
  const store = new MemoryStore();
  const media = [{ ...picture('p'), bytes: bytes.length }, picture('lost')];
  await store.addMedia(new Blob([bytes]), picture('p'));
  await store.put(
    conversation('c', {
      title: 'Cats & <b>dogs</b>',
      leaf: 'b',
      settings: settingsWith('Be brief.'),
    }),
    turn('a', null, { text: 'What?', media }),
    turn('b', 'a', { role: 'assistant', text: 'A cat.', state: 'done', model: 'eyes', seen }),
    turn('b2', 'a', { role: 'assistant', text: '{"n":1}', isJson: true, state: 'length' }),
  );
  return store;
}

function settingsWith(system: string) {
  return { ...conversation('').settings, system, seed: 3, stop: ['\n'] };
}

test('what is exported is imported as it was, under new ids', async () => {
  const from = await filled(long);
  const to = new MemoryStore();
  const file = await exportJson(from, ['c', 'none']);
  const [imported] = await importJson(to, file);
  const [before] = await from.conversations();
  expect(imported).toEqual({ ...before, id: expect.any(String), leaf: expect.any(String) });
  expect(imported!.id).not.toBe('c');

  const [a, b, b2] = (await to.turns(imported!.id)) as [Turn, Turn, Turn];
  const [a0, b0, b20] = (await from.turns('c')) as [Turn, Turn, Turn];
  const conversationId = { conversation: imported!.id };
  const media = a0.media.map((one) => ({ ...one, id: expect.any(String) }));
  expect(a).toEqual({ ...a0, id: a.id, ...conversationId, media });
  expect(b).toEqual({ ...b0, id: imported!.leaf, parent: a.id, ...conversationId });
  expect(b2).toEqual({ ...b20, id: b2.id, parent: a.id, ...conversationId });
  const blob = (await to.media(a.media[0]!.id))!;
  expect(blob.type).toBe('image/png');
  expect(Buffer.from(await blob.arrayBuffer()).equals(long)).toBe(true);
  expect(await to.media(a.media[1]!.id)).toBeUndefined();

  await importJson(to, file);
  expect(await to.conversations()).toHaveLength(2);
});

test('a full store takes nothing of a file', async () => {
  const to = new MemoryStore();
  vi.spyOn(to, 'addMedia').mockRejectedValue(new StorageFull());
  await expect(importJson(to, await exportJson(await filled(), ['c']))).rejects.toThrow(
    StorageFull,
  );
  expect(await to.conversations()).toEqual([]);
});

type Json = Record<string, unknown>;
interface File extends Json {
  conversations: (Json & { turns: (Json & { media: Json[] })[] })[];
  media: Json;
}

async function changed(change: (file: File) => unknown): Promise<Blob> {
  const file: File = JSON.parse(await (await exportJson(await filled(), ['c'])).text());
  change(file);
  return new Blob([JSON.stringify(file)]);
}

const first = (file: File) => file.conversations[0]!;

test.each<[string, (file: File) => unknown, RegExp]>([
  ['another format', (f) => (f.format = 'x'), /no file of exported/],
  ['a newer version', (f) => (f.version = 2), /newer version/],
  ['no list', (f) => (f.conversations = {} as never), /^conversations has to be a list/],
  ['a title that is none', (f) => (first(f).title = { toString: 1 }), /conversations\[0\]\.title/],
  ['an endless name', (f) => (first(f).title = 'a'.repeat(10_001)), /title .* 10000 characters/],
  ['a role', (f) => (first(f).turns[0]!.role = 'system'), /turns\[0\]\.role .* user, assistant/],
  ['a state', (f) => (first(f).turns[1]!.state = 'x'), /turns\[1\]\.state/],
  ['a time', (f) => (first(f).turns[0]!.created = 1e300), /turns\[0\]\.created/],
  ['a missing parent', (f) => (first(f).turns[1]!.parent = 'x'), /names a turn that is not in it/],
  ['a missing leaf', (f) => (first(f).leaf = 'x'), /names a turn that is not in it/],
  ['a circle', (f) => (first(f).turns[0]!.parent = 'b'), /in a circle/],
  ['two of an id', (f) => (first(f).turns[1]!.id = 'a'), /two turns of the same id/],
  ['a document', (f) => (first(f).turns[0]!.media[0]!.type = 'text/html'), /media\[0\]\.type/],
  ['SVG', (f) => (first(f).turns[0]!.media[0]!.type = 'image/svg+xml'), /media\[0\]\.type/],
  ['another kind', (f) => (first(f).turns[0]!.media[0]!.kind = 'video'), /media\[0\]\.type/],
  ['no base64', (f) => (f.media.p = 'a*=='), /media\.p has to be base64/],
  ['half of it', (f) => (f.media.p = 'abcde'), /media\.p has to be base64/],
  [
    'a grid that is drawn for ever',
    (f) =>
      ((first(f).turns[1]!.seen as Seen).media[0] = {
        ...seen.media[0]!,
        grid: { cols: 1e9, rows: 1 },
      } as never),
    /seen\.media\[0\]\.grid\.cols/,
  ],
  ['a setting', (f) => ((first(f).settings as Json).temperature = '1'), /settings\.temperature/],
])('a file is refused for %s', async (_, change, message) => {
  const to = new MemoryStore();
  await expect(importJson(to, await changed(change))).rejects.toMatchObject({
    name: 'BadImport',
    message: expect.stringMatching(message),
  });
  expect(await to.conversations()).toEqual([]);
});

test.each(['', '[]', 'null', '{}', '{"format":', '"llava-onevision-conversations"'])(
  'what is no such file at all: %j',
  async (text) => {
    await expect(importJson(new MemoryStore(), new Blob([text]))).rejects.toMatchObject({
      name: 'BadImport',
    });
  },
);

test('what is not known is left out', async () => {
  const to = new MemoryStore();
  const file = await changed((f) => {
    first(f).evil = 1;
    first(f).turns[0]!.onclick = 'x';
    Object.defineProperty(first(f).turns[0]!, '__proto__', {
      value: { evil: 1 },
      enumerable: true,
    });
    f.media.other = 'AAAA';
  });
  const [imported] = await importJson(to, file);
  const [a] = await to.turns(imported!.id);
  for (const one of [imported!, a!]) {
    expect(one).not.toHaveProperty('evil');
    expect(one).not.toHaveProperty('onclick');
  }
});

test('the shown branch as Markdown, whatever its texts are', async () => {
  const store = await filled();
  const [kept] = await store.conversations();
  await store.put(
    { ...kept!, leaf: 'd' },
    turn('c', 'b2', { text: '```js\nopen', created: 5 }),
    turn('d', 'c', { role: 'assistant', text: 'End', created: 6 }),
  );
  expect(await (await exportMarkdown(store, 'c')).text()).toBe(
    [
      '# Cats & \\<b\\>dogs\\</b\\>',
      '## System',
      'Be brief.',
      '## User',
      '- image: p.png\n- image: lost.png',
      'What?',
      '## Assistant',
      '```json\n{"n":1}\n```',
      '## User',
      '```js\nopen\n```',
      '## Assistant',
      'End\n',
    ].join('\n\n'),
  );
});

test('Markdown that was exported is imported: the shown branch, without pictures', async () => {
  const store = await filled();
  const [kept] = await store.conversations();
  const own = '# Cats\n\n## About them\n\n```md\n## User\n```\n\n* one';
  await store.put(
    { ...kept!, leaf: 'd' },
    turn('c', 'b2', { text: 'And *dogs*?', created: 5 }),
    turn('d', 'c', { role: 'assistant', text: own, model: 'eyes_1', created: 6 }),
  );
  const to = new MemoryStore();
  const [imported] = await importMarkdown(to, await exportMarkdown(store, 'c'));
  expect([imported!.title, imported!.settings.system]).toEqual([kept!.title, 'Be brief.']);
  const turns = (await to.turns(imported!.id)).sort((a, b) => a.created - b.created);
  expect(turns.map(({ role, text, model, isJson }) => [role, text, model, isJson])).toEqual([
    ['user', '- image: p.png\n- image: lost.png\n\nWhat?', undefined, undefined],
    ['assistant', '{"n":1}', undefined, true],
    ['user', 'And *dogs*?', undefined, undefined],
    ['assistant', own, 'eyes_1', false],
  ]);
  expect(turns.map(({ parent }) => parent)).toEqual(
    [null, ...turns.map(({ id }) => id)].slice(0, 4),
  );
  expect(imported!.leaf).toBe(turns.at(-1)!.id);
});

test.each(['', '# Shopping\n\n## Milk\n\n- two'])('Markdown of anything else: %j', async (text) => {
  await expect(importMarkdown(new MemoryStore(), new Blob([text]))).rejects.toMatchObject({
    ...{ name: 'BadImport', message: expect.stringContaining('## User') },
  });
});

test('code fences within an answer of JSON are none', async () => {
  const store = new MemoryStore();
  const text = '"````"';
  await store.put(
    conversation('c', { leaf: 'a' }),
    turn('a', null, { role: 'assistant', text, isJson: true }),
  );
  expect(await (await exportMarkdown(store, 'c')).text()).toContain('`````json\n"````"\n`````\n');
});
