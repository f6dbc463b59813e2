/** Sessions in files: what comes back, for whom, and what damage does. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PromptKey } from '../../../src/engine/prompt-key.js';
import type { Message, Part } from '../../../src/index.js';
import { readSession, writeSession } from '../../../src/session/session-file.js';
import { askAbout, expectNothingHeld, fakeModel, question } from '../../support/fake-model.js';

const echo = (prompt: string) => `${prompt.length} ${question(prompt).slice(-20)}`;
const LOOK = askAbout('What?')[0]!.content as Part[];

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'session-file-'));
  path = join(folder, 'saved.session');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fileError = expect.objectContaining({ code: 'ERR_SESSION_FILE', path: expect.any(String) });

/** A model that has talked about a picture and saved the session. */
async function saved() {
  const { model } = await fakeModel({ reply: echo });
  const session = model.session({ system: 'Be brief.', multiImage: 'anyres' });
  const { usage } = await session.chat(LOOK).result;
  await session.save(path);
  const next = await session.chat('And?').result;
  await model.dispose();
  return { messages: session.messages, usage, next };
}

describe('a saved session', () => {
  it('goes on in another process as if nothing had happened', async () => {
    const { messages, usage, next } = await saved();
    const fake = await fakeModel({ reply: echo });
    const session = await fake.model.loadSession(path);
    expect(session.isRestored).toBe(true);
    expect(session.messages).toEqual(messages.slice(0, 3));
    const result = await session.chat('And?').result;
    expect(result.text).toBe(next.text);
    expect(result.usage).toEqual(next.usage);
    expect(result.usage.cachedTokens).toBe(usage.promptTokens + usage.completionTokens - 1);
    expect(result.media).toMatchObject([{ cached: true }]);
    expect(fake.binding.nEncoded).toBe(0);
    await expectNothingHeld(fake);
    await fake.model.dispose();
  });

  it.each([
    ['other cache types', { kvType: 'f32' as const }, {}],
    ['another decoder', {}, { fingerprints: { decoder: 'other', vision: 'vision', lora: [] } }],
    ['a context that is too small for it', { contextSize: 90 }, {}],
    ['no prefix cache', { prefixCache: false }, {}],
    ['another dialect', { dialect: 'transformers' as const }, {}],
    [
      'another vision file',
      {},
      { fingerprints: { decoder: 'decoder', vision: 'other', lora: [] } },
    ],
  ])('comes back as messages with %s', async (_, load, files) => {
    const { messages, next } = await saved();
    const fake = await fakeModel({ reply: echo }, { ...load, files });
    const session = await fake.model.loadSession(path);
    expect(session.isRestored).toBe(false);
    expect(session.messages).toEqual(messages.slice(0, 3));
    if (!('contextSize' in load || 'dialect' in load)) {
      const { text, usage } = await session.chat('And?').result;
      expect(text).toBe(next.text);
      expect(usage.cachedTokens).toBe(0);
    }
    expect(fake.binding.cells()).toBeLessThanOrEqual(4096);
    await fake.model.dispose();
  });

  it('may be empty, or have nothing in the cache', async () => {
    const { model } = await fakeModel({}, { prefixCache: false });
    const session = model.session({ system: 'x' });
    await session.save(path);
    expect((await model.loadSession(path)).messages).toEqual(session.messages);
    await session.chat('One?').result;
    await session.save(path);
    const loaded = await model.loadSession(path);
    expect(loaded.messages).toEqual(session.messages);
    expect(loaded.isRestored).toBe(false);
    await model.dispose();
  });

  it('with pictures needs a model that sees', async () => {
    await saved();
    const { model } = await fakeModel({}, { isTextOnly: true });
    await expect(model.loadSession(path)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await model.dispose();
  });

  it('does not hold up others while it is restored, and does not disturb them', async () => {
    await saved();
    const { model } = await fakeModel({ reply: () => 'x'.repeat(60) });
    const chats = [1, 2, 3].map((i) => model.chat([{ role: 'user', content: `${i}` }]).result);
    const session = await model.loadSession(path);
    expect(session.isRestored).toBe(true);
    for (const { text } of await Promise.all(chats)) expect(text).toBe('x'.repeat(60));
    await model.dispose();
  });
});

describe('the file', () => {
  it('holds every kind of content, each once', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const raw = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
    const messages: Message[] = [
      {
        role: 'user',
        content: [
          { type: 'image', image: bytes },
          { type: 'text', text: 'ü' },
          { type: 'image', image: raw },
          { type: 'video', video: [bytes, raw], frames: 2 },
          { type: 'video', video: bytes },
          { type: 'video', video: '/clips/a.mp4', frames: 7 },
          { type: 'video', video: 'https://example.org/a.mp4' },
        ],
      },
      { role: 'assistant', content: 'no' },
    ];
    const key = new PromptKey([{ tokens: Int32Array.of(1, 2) }, { media: 'm', rows: 3 }]);
    const kv = { key, bytes: Uint8Array.of(9), format: 'f' };
    await writeSession(path, { messages, multiImage: 'pad', kv });
    const read = await readSession(path);
    expect(read.messages).toEqual(messages);
    expect(read.multiImage).toBe('pad');
    expect(read.kv).toMatchObject({ format: 'f', bytes: Uint8Array.of(9), key: { length: 5 } });
    expect(read.kv!.key.segments).toEqual(key.segments);
    expect(readFileSync(path).indexOf(Buffer.of(1, 2, 3))).toBe(
      readFileSync(path).lastIndexOf(Buffer.of(1, 2, 3)),
    );
  });

  it('that is damaged anywhere, cut or extended is refused', async () => {
    await saved();
    const whole = readFileSync(path);
    const broken = join(folder, 'broken.session');
    const { model } = await fakeModel();
    const refuse = async (bytes: Uint8Array) => {
      writeFileSync(broken, bytes);
      await expect(model.loadSession(broken)).rejects.toEqual(fileError);
    };
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 60)) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1;
      await refuse(bytes);
      await refuse(whole.subarray(0, at));
    }
    await refuse(Buffer.concat([whole, Buffer.of(0)]));
    await refuse(Buffer.from('GGUF'));
    for (const bad of [join(folder, 'absent'), folder])
      await expect(model.loadSession(bad)).rejects.toEqual(fileError);
    await model.dispose();
  });

  const HEADER = { blobs: [], messages: [{ role: 'user', content: 'Hi' }], kv: null };
  const state = (key: unknown) => ({ blob: 0, format: 'f', key });
  const said = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] });

  /** A file whose hashes are right. */
  function withHeader(header: unknown): string {
    const json = Buffer.from(JSON.stringify(header));
    const prefix = Buffer.alloc(48);
    prefix.write('LLAVAOVS');
    prefix.writeUInt32LE(1, 8);
    prefix.writeUInt32LE(json.length, 12);
    createHash('sha256').update(json).digest().copy(prefix, 16);
    const written = join(folder, 'made.session');
    writeFileSync(written, Buffer.concat([prefix, json]));
    return written;
  }

  it('has the header that these tests change', async () => {
    expect(await readSession(withHeader(HEADER))).toMatchObject({ messages: HEADER.messages });
  });

  it.each<[string, unknown]>([
    ['of null', null],
    ['without a state', { ...HEADER, kv: undefined }],
    ['without contents', { ...HEADER, blobs: undefined }],
    ['of more', { ...HEADER, more: 1 }],
    [
      'with tokens that only have a length',
      { ...HEADER, kv: state([{ tokens: { length: 15e8 } }]) },
    ],
    ['with a token that is none', { ...HEADER, kv: state([{ tokens: [2 ** 31] }]) }],
    ['with no tokens', { ...HEADER, kv: state([{ tokens: [] }]) }],
    ['with half a row', { ...HEADER, kv: state([{ media: 'm', rows: 0.5 }]) }],
    ['with a key of text', { ...HEADER, kv: state('x'.repeat(9)) }],
    ['with contents of less than nothing', { ...HEADER, blobs: [{ bytes: -4, hash: 'ab' }] }],
    ['with messages of text', { ...HEADER, messages: 'Hi' }],
    ['with a part that is none', { ...HEADER, ...said(null) }],
    ['with a picture that is none', { ...HEADER, ...said({ type: 'image', image: 7 }) }],
    [
      'with content that is not there',
      { ...HEADER, ...said({ type: 'image', image: { blob: 0 } }) },
    ],
  ])('with a header %s is refused', async (_, header) => {
    const { model } = await fakeModel();
    await expect(model.loadSession(withHeader(header))).rejects.toEqual(fileError);
    await model.dispose();
  });

  it('with a state that is none loads its messages', async () => {
    const fake = await fakeModel({ reply: echo });
    const session = fake.model.session();
    await session.chat('One?').result;
    await session.save(path);
    const { kv, ...rest } = await readSession(path);
    const cut = kv!.key.replaced(kv!.key.length - 1, []);
    await writeSession(path, { ...rest, kv: { ...kv!, key: cut } });
    const loaded = await fake.model.loadSession(path);
    expect(loaded.isRestored).toBe(false);
    expect(loaded.messages).toEqual(session.messages);
    await expectNothingHeld(fake);
    await fake.model.dispose();
  });

  it('appears whole or not at all', async () => {
    const fake = await fakeModel({ reply: () => 'x'.repeat(300) }, { maxSequences: 1 });
    const session = fake.model.session();
    await session.chat('One?', { maxTokens: 3 }).result;
    const nowhere = join(folder, 'absent', 'x.session');
    await expect(session.save(nowhere)).rejects.toMatchObject({ code: 'ERR_WRITE', path: nowhere });
    await expect(session.save('')).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    // The only place is taken, so that saving has to wait.
    const busy = fake.model.chat([{ role: 'user', content: '?' }]);
    await busy[Symbol.asyncIterator]().next();
    const controller = new AbortController();
    const target = join(folder, 'aborted.session');
    const saving = session.save(target, { signal: controller.signal });
    controller.abort('mine');
    await expect(saving).rejects.toBe('mine');
    await busy.result;
    expect(readdirSync(folder).filter((name) => /tmp|aborted/.test(name))).toEqual([]);
    await session.save(target);
    expect(session.messages).toHaveLength(2);
    await expectNothingHeld(fake);
    await fake.model.dispose();
  });
});

describe('disposal while a session is', () => {
  const busyModel = async () => {
    const fake = await fakeModel({ reply: () => 'x'.repeat(900) }, { maxSequences: 1 });
    const session = fake.model.session();
    await session.chat('One?', { maxTokens: 3 }).result;
    // Nothing else gets a place.
    const busy = fake.model.chat([{ role: 'user', content: '?' }]);
    await busy[Symbol.asyncIterator]().next();
    busy.result.catch(() => {});
    return { ...fake, session };
  };

  it('saved: of the session, and of the model', async () => {
    for (const handle of ['session', 'model'] as const) {
      const { session, model, binding } = await busyModel();
      const target = join(folder, `disposed-${handle}`);
      const saving = session.save(target);
      const disposing = handle === 'model' ? model.dispose() : session.dispose();
      await expect(saving).rejects.toMatchObject({ code: 'ERR_DISPOSED', handle });
      await disposing;
      await model.dispose();
      expect(binding.alive).toEqual([]);
      expect(readdirSync(folder).filter((name) => name.includes('disposed'))).toEqual([]);
    }
  });

  it('loaded', async () => {
    await saved();
    const { model, binding } = await busyModel();
    const loading = model.loadSession(path);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const disposing = model.dispose();
    await expect(loading).rejects.toMatchObject({ code: 'ERR_DISPOSED', handle: 'model' });
    await disposing;
    expect(binding.alive).toEqual([]);
  });
});
