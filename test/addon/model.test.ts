import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeModel, NativeModelOptions, NativeThreadPool } from '../../src/binding.js';
import { readDecoderFile } from '../../src/gguf/decoder-file.js';
import { readGguf } from '../../src/gguf/reader.js';
import { runChild } from '../support/child.js';
import { randomUniform } from '../support/random.js';
import { memoryTest, skipUnless } from '../support/skip-unless.js';
import {
  CONTEXT_OPTIONS,
  modelOptions,
  TINY,
  temporaryFolder,
  writeTinyDecoder,
} from '../support/tiny-decoder.js';

const folder = temporaryFolder();
const path = join(folder.path, 'tiny.gguf');
let model: NativeModel;

const load = (options: Partial<NativeModelOptions> = {}) =>
  native().loadModel({ ...modelOptions(path), ...options }, null, null);

beforeAll(async () => {
  await writeTinyDecoder(path);
  model = await load();
});
afterAll(async () => {
  await model.dispose();
  folder.remove();
});

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe('a loaded model', () => {
  it('says what it is', async () => {
    const { tensors } = await readGguf(path);
    const size = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
    const { nVocab, nEmbd, nLayer, nCtxTrain } = TINY;
    expect({ ...{ nVocab, nEmbd, nLayer, nCtxTrain }, size }).toEqual({
      ...{ nVocab: model.nVocab, nEmbd: model.nEmbd, nLayer: model.nLayer },
      ...{ nCtxTrain: model.nCtxTrain, size: model.size },
    });
    expect(model.description).toContain('qwen2');
  });

  it.each([
    { mmap: false },
    { mmap: true, mlock: true },
    { mmap: false, mlock: true },
    { gpuLayers: 99 },
  ])('loads with %o', async (options) => {
    const other = await load(options);
    expect(other.size).toBe(model.size);
    await other.dispose();
  });

  const mayLock = existsSync('/usr/bin/setpriv') && existsSync('/usr/bin/prlimit');
  it('tells that its memory is not locked', {
    ...skipUnless(mayLock, 'needs setpriv and prlimit'),
    ...memoryTest,
  }, () => {
    expect(model.lockRefusal).toBe('');
    const capability = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-ipc_lock'] : [];
    const { stdout, stderr } = runChild(
      `modelOptions.mlock = true;
       const model = await load();
       console.log(model.lockRefusal);`,
      path,
      { wrapper: [...capability, 'prlimit', '--memlock=0:0'] },
    );
    expect(stdout, stderr).toMatch(/^failed to mlock \d+-byte buffer .*\n$/);
  });

  it('has a vocabulary even without weights', async () => {
    const vocabulary = await load({ vocabOnly: true });
    expect(vocabulary.tokenize('hello')).toEqual(model.tokenize('hello'));
    expect(vocabulary.specialToken('<|im_end|>')).toBe(263);
    await vocabulary.dispose();
  });
});

describe('tokens', () => {
  it('merge as the vocabulary says, with nothing added', () => {
    expect([...model.tokenize('hello hello')]).toEqual([259, 260]);
    expect([...model.tokenize('')]).toEqual([]);
  });

  it.each(['Zażółć gęślą jaźń 🦊', '\0\n\t', "it's 12345", '<|im_end|>', '\ufeffx'])(
    'of %j spell it again, special tokens included',
    (input) => {
      const ids = [...model.tokenize(input)];
      expect(ids.every((id) => id < 261)).toBe(true);
      expect(Buffer.concat(ids.map((id) => model.tokenBytes(id, false))).toString()).toBe(input);
    },
  );

  it('may hold part of a character', () => {
    const [first] = model.tokenize('é');
    expect([...model.tokenBytes(first!, false)]).toEqual([0xc3]);
  });

  it('are special by exact spelling', () => {
    expect(model.specialToken('<|endoftext|>')).toBe(261);
    for (const other of ['hello', '<|im_end', '', '[PAD270]'])
      expect(model.specialToken(other)).toBe(-1);
    expect(text(model.tokenBytes(263, true))).toBe('<|im_end|>');
    expect(model.tokenBytes(263, false)).toHaveLength(0);
    expect(model.tokenBytes(270, false)).toHaveLength(0);
  });

  it.each([-1, TINY.nVocab, 1.5, NaN, '1'])('outside the vocabulary are refused: %s', (token) => {
    const error = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
    expect(() => model.tokenBytes(token as number, true)).toThrow(error);
  });

  it('are the same off the JS thread, with others at a time', async () => {
    const texts = ['hello hello', '', 'Zażółć 🦊', '<|im_end|>', 'a '.repeat(100_000)];
    const found = await Promise.all(texts.map((each) => model.tokenizeAsync(each)));
    expect(found).toEqual(texts.map((each) => model.tokenize(each)));
    await expect(async () => model.tokenizeAsync(3 as unknown as string)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
  });

  it('of a megabyte of anything are found', () => {
    for (const unit of ['a', ' ', '1', '\n', '🦊', 'a '])
      expect(model.tokenize(unit.repeat(100_000)).length).toBeGreaterThan(0);
  });
});

describe('loading', () => {
  const broken = (name: string, bytes: Uint8Array) => {
    const file = join(folder.path, name);
    writeFileSync(file, bytes);
    return file;
  };

  it('reports progress from 0 to 1 and not after it has settled', async () => {
    const fractions: number[] = [];
    let settled = false;
    const loading = native().loadModel(modelOptions(path), null, (fraction): void => {
      expect(settled).toBe(false);
      fractions.push(fraction);
    });
    await (await loading).dispose();
    settled = true;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(fractions.every((value, i) => value >= (fractions[i - 1] ?? 0) && value <= 1)).toBe(
      true,
    );
  });

  it('stops when cancelled, before or during', async () => {
    const before = new (native().Cancel)();
    before.cancel();
    const cancelled = { code: 'ERR_CANCELLED' };
    await expect(native().loadModel(modelOptions(path), before, null)).rejects.toMatchObject(
      cancelled,
    );
    const outcomes = Array.from({ length: 20 }, async () => {
      const during = new (native().Cancel)();
      const loading = native().loadModel(modelOptions(path), during, null);
      during.cancel();
      return loading.catch((error: { code: string }) => error.code);
    });
    // One may have been loaded before the flag was set.
    expect(await Promise.all(outcomes)).toContain('ERR_CANCELLED');
  });

  it.each([
    ['missing', () => '/does/not/exist', /failed to open/],
    ['empty', () => broken('empty', new Uint8Array()), /failed to/],
    ['not a GGUF', () => broken('text', Buffer.from('hello hello')), /magic/],
    ['a folder', () => folder.path, /failed/],
  ] as [string, () => string, RegExp][])('explains why it fails: %s', async (_, file, message) => {
    const error = { code: 'ERR_MODEL_LOAD', path: file(), message: expect.stringMatching(message) };
    await expect(load({ path: file() })).rejects.toMatchObject(error);
  });

  it('refuses truncated files', async () => {
    const whole = readFileSync(path);
    for (const share of [0.001, 0.01, 0.03, 0.5, 0.99]) {
      const file = broken('truncated', whole.subarray(0, Math.floor(share * whole.length)));
      await expect(load({ path: file })).rejects.toMatchObject({ code: 'ERR_MODEL_LOAD' });
    }
  });

  it('never takes the process down: what our reader lets through, llama.cpp survives', async () => {
    const whole = readFileSync(path);
    const headerSize = (await readGguf(path)).tensors[0]!.offset;
    const pool = new (native().ThreadPool)(1);
    const outcomes = { refused: 0, loaded: 0 };
    for (let seed = 0; seed < 300; seed++) {
      const random = randomUniform(seed);
      const bytes = Uint8Array.from(whole);
      for (let i = 0; i <= seed % 3; i++)
        bytes[Math.floor(random() * headerSize)] = Math.floor(random() * 256);
      const file = broken('flipped', bytes);
      const isFine = await openAnyhow(file, pool);
      outcomes[isFine ? 'loaded' : 'refused']++;
    }
    expect(Math.min(outcomes.refused, outcomes.loaded)).toBeGreaterThan(20);
  });

  /** As the engine does: our reader first, then a context and a step. False when refused properly. */
  async function openAnyhow(file: string, pool: NativeThreadPool): Promise<boolean> {
    try {
      await readDecoderFile(file);
      const opened = await load({ path: file });
      const context = await native().createContext(opened, pool, CONTEXT_OPTIONS);
      const slice = { sequence: 0, position: 0, data: Int32Array.of(1, 2), sampler: null };
      await context.step([slice]);
      await context.dispose();
      await opened.dispose();
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_MODEL_LOAD' });
      return false;
    }
  }

  it.each([
    { path: 3 as never },
    { path: 'a\0b' },
    { gpuLayers: 1.5 },
    { mmap: 'yes' as never },
    { vocabOnly: undefined as never },
  ])('refuses the options %o', (options) => {
    expect(() => load(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
  });
});
