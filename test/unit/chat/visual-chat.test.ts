// Pictures and clips through the whole engine on the fake binding: plans, caches, modes, what is told about them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ChatOptions, ImagePart, LoadOptions, Part, VideoPart } from '../../../src/index.js';
import { eventually } from '../../support/eventually.js';
import { type FakeModel, fakeModel, gate } from '../../support/fake-model.js';

/** 16 × 16 pixels: overview and 2 × 2 tiles, 24 rows; padded one tile, 5 rows. */
function picture(shade: number): ImagePart {
  const data = new Uint8Array(16 * 16 * 3).fill(shade);
  return { type: 'image', image: { width: 16, height: 16, data } };
}

/** 1 row a frame and a newline. */
function clip(nFrames: number, frames?: number): VideoPart {
  const image = (i: number) => ({ width: 9, height: 3, data: new Uint8Array(81).fill(i) });
  const video = Array.from({ length: nFrames }, (_, i) => image(i));
  return { type: 'video', video, ...(frames ? { frames } : {}) };
}

const user = (...content: Part[]) => [
  { role: 'user' as const, content: [...content, { type: 'text' as const, text: 'What?' }] },
];

let fake: FakeModel;
afterEach(() => fake?.model.dispose());

async function open(load: Partial<LoadOptions> = {}, options = {}): Promise<FakeModel> {
  fake = await fakeModel(options, load);
  return fake;
}

const chat = ({ model }: FakeModel, parts: Part[], options?: ChatOptions) =>
  model.chat(user(...parts), options).result;

it('a picture that the tower makes no numbers of is the encoder’s error', async () => {
  const part = picture(1);
  const broken = await open({}, { encoded: Number.NaN });
  const error = { code: 'ERR_ENCODE', path: 'mmproj.gguf' };
  await expect(chat(broken, [part])).rejects.toMatchObject(error);
  await expect(broken.model.embed(user(part))).rejects.toMatchObject(error);
});

describe('clips', () => {
  it('are laid out without encoding anything', async () => {
    const { model, binding } = await open();
    const { media, rows, tokens } = await model.render(user(clip(3)));
    expect(media).toEqual([
      {
        ...{ kind: 'video', rows: 4, grid: null, frames: [0, 1, 2], start: expect.any(Number) },
        geometry: { width: 9, height: 3 },
      },
    ]);
    expect(tokens.filter((id) => id === -1)).toHaveLength(4);
    expect(tokens).toHaveLength(rows);
    expect(binding.nEncoded).toBe(0);
  });

  it.each([
    ['llava-next', [0, 4, 9]],
    ['transformers', [0, 3, 6]],
  ] as const)('are sampled as %s does', async (dialect, frames) => {
    const { model } = await open({ dialect });
    const { media } = await model.render(user(clip(10, 3)));
    expect(media).toMatchObject([{ frames, rows: 4 }]);
  });

  it('of many frames are sampled at 32', async () => {
    const { model } = await open();
    const { media } = await model.render(user(clip(100)));
    expect(media[0]!.frames).toHaveLength(32);
  });

  it('may be a stream', async () => {
    const { model } = await open();
    async function* stream() {
      for (let i = 0; i < 5; i++) yield { width: 4, height: 4, data: new Uint8Array(48).fill(i) };
    }
    const { media } = await model.chat(user({ type: 'video', video: stream() })).result;
    expect(media).toMatchObject([{ kind: 'video', rows: 6, cached: false }]);
  });

  it('are encoded frame by frame, and counted in progress and usage', async () => {
    const model = await open();
    const seen: string[] = [];
    const { usage, media } = await chat(model, [clip(2, 5)], {
      onProgress: ({ stage, done, total }) => stage === 'encode' && seen.push(`${done}/${total}`),
    });
    expect(seen).toEqual(['1/2', '2/2']);
    expect(usage.visualTokens).toBe(6);
    expect(media).toEqual([
      {
        ...{ kind: 'video', rows: 6, grid: null, frames: [0, 0, 0, 0, 1], cached: false },
        geometry: { width: 9, height: 3 },
      },
    ]);
  });

  it('beside a picture leave the picture its tiles', async () => {
    const { model } = await open();
    const { media } = await model.render(user(picture(1), clip(2)));
    expect(media).toMatchObject([
      { kind: 'image', rows: 24, grid: { cols: 2, rows: 2 } },
      { kind: 'video', rows: 3 },
    ]);
  });

  it('need an mmproj', async () => {
    const { model } = await fakeModel({}, { isTextOnly: true });
    expect(() => model.chat(user(clip(2)))).toThrow(/without the option mmproj/);
    await model.dispose();
  });
});

describe('multiImage', () => {
  const pair = () => user(picture(1), picture(2));
  const rowsOf = ({ media }: { media: { rows: number }[] }) => media.map(({ rows }) => rows);

  it('is a load option, and an option of each call', async () => {
    const { model } = await open({ multiImage: 'anyres' });
    expect(rowsOf(await model.render(pair()))).toEqual([24, 24]);
    expect(rowsOf(await model.render(pair(), { multiImage: 'pad' }))).toEqual([5, 5]);
    const embedded = await model.embed(pair(), { multiImage: 'pad-no-newline' });
    expect(embedded.map(({ data }) => data.length)).toEqual([16, 16]);
    const result = await model.chat(pair(), { multiImage: 'pad' }).result;
    expect(rowsOf(result)).toEqual([5, 5]);
  });

  it('is checked', async () => {
    const { model } = await open();
    const wrong = { multiImage: 'tiles' as never };
    const error = expect.objectContaining({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'multiImage',
    });
    expect(() => model.chat(pair(), wrong)).toThrow(error);
    await expect(model.render(pair(), wrong)).rejects.toEqual(error);
  });
});

describe('rows seen before', () => {
  const withoutPrefixes = { prefixCache: false };

  it('are not encoded again, and the result says so', async () => {
    const model = await open(withoutPrefixes);
    const first = await chat(model, [picture(1), clip(2)]);
    expect(first.media.map(({ cached }) => cached)).toEqual([false, false]);
    expect(model.binding.nEncoded).toBe(5 + 2);
    const second = await chat(model, [picture(2), clip(2)]);
    expect(second.media.map(({ cached }) => cached)).toEqual([false, true]);
    expect(model.binding.nEncoded).toBe(5 + 2 + 5);
  });

  it('in one mode do not serve another', async () => {
    const model = await open(withoutPrefixes);
    const pair = [picture(1), picture(2)];
    await chat(model, [picture(1)]);
    await chat(model, pair);
    await chat(model, pair, { multiImage: 'pad-no-newline' });
    const tiled = await chat(model, pair, { multiImage: 'anyres' });
    expect(tiled.media.map(({ cached }) => cached)).toEqual([true, false]);
    expect(model.binding.nEncoded).toBe(5 + 2 + 2 + 5);
  });

  it('are encoded again with the cache off', async () => {
    const model = await open({ ...withoutPrefixes, visualCacheBytes: 0 });
    for (let i = 0; i < 2; i++)
      expect((await chat(model, [picture(1)])).media).toMatchObject([{ cached: false }]);
    expect(model.binding.nEncoded).toBe(10);
  });

  it('outlive the model in a folder', async () => {
    const visualCacheDir = mkdtempSync(join(tmpdir(), 'visual-cache-'));
    for (const cached of [false, true]) {
      const model = await open({ visualCacheDir });
      expect((await chat(model, [picture(1), clip(2)])).media).toMatchObject([
        { cached },
        { cached },
      ]);
      await model.model.dispose();
    }
    expect(fake.binding.nEncoded).toBe(0);
    rmSync(visualCacheDir, { recursive: true });
  });

  it('are safe from callers of embed', async () => {
    const { model } = await open();
    const [first] = await model.embed(user(clip(2)));
    const expected = [...first!.data];
    first!.data.fill(Number.NaN);
    const [second] = await model.embed(user(clip(2)));
    expect([...second!.data]).toEqual(expected);
  });
});

describe('two chats about one picture', () => {
  async function both() {
    const { opened, open: release } = gate();
    const onEncode = vi.fn(() => opened);
    const model = await open({ prefixCache: false }, { onEncode });
    const leaving = new AbortController();
    const first = chat(model, [picture(1)], { signal: leaving.signal });
    const second = chat(model, [picture(1)]);
    await eventually(() => expect(onEncode).toHaveBeenCalled());
    return { model, first, second, leaving, release };
  }

  it('encode it once', async () => {
    const { model, first, second, release } = await both();
    release();
    expect((await first).media).toMatchObject([{ cached: false }]);
    expect((await second).media).toMatchObject([{ cached: true }]);
    expect(model.binding.nEncoded).toBe(5);
  });

  it('do not disturb each other when the one that began is aborted', async () => {
    const { model, first, second, leaving, release } = await both();
    await eventually(() => expect(model.binding.nEncoded).toBe(1));
    leaving.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    release();
    expect((await second).finishReason).toBe('stop');
    expect(model.binding.nEncoded).toBe(5);
  });
});
