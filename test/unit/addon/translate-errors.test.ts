// Errors of an addon, thrown and rejected, by functions, constructors, methods and getters of its handles.
import { describe, expect, it } from 'vitest';
import { translateErrors } from '../../../src/addon/translate-errors.js';
import type { NativeBinding } from '../../../src/binding.js';
import { LlavaError } from '../../../src/errors.js';

const fail = (): never => {
  throw Object.assign(new Error('no'), { code: 'ERR_DECODE', status: -3 });
};

class Model {
  #layers = 3;
  get nLayer() {
    return this.#layers;
  }
  get nVocab() {
    return fail();
  }
  tokenize(text: string) {
    return text === '' ? fail() : this.#layers;
  }
  async dispose() {
    fail();
  }
}

class Pool {
  readonly threads: number;
  constructor(threads: number) {
    this.threads = threads > 0 ? threads : fail();
  }
  async dispose() {}
}

const make = () =>
  translateErrors({
    ThreadPool: Pool,
    loadModel: async (options: { path: string }) => (options.path === '' ? fail() : new Model()),
    devices: fail,
    physicalCores: () => 2,
    gpuTilesPerCall: 4,
  } as unknown as NativeBinding);

const model = () => make().loadModel({ path: 'a' } as never, null, null);
const translated = { name: 'LlavaError', code: 'ERR_DECODE', status: -3, message: 'no' };

describe('what fails is a LlavaError, from', () => {
  const ways: [string, () => unknown][] = [
    ['a function', async () => make().devices()],
    ['a promise', () => make().loadModel({ path: '' } as never, null, null)],
    ['a constructor', async () => new (make().ThreadPool)(0)],
    ['a method', async () => (await model()).tokenize('')],
    ['a promise of a method', async () => (await model()).dispose()],
    ['a getter', async () => (await model()).nVocab],
  ];
  it.each(ways)('%s', async (_, run) => {
    const error: Error = await Promise.resolve(run()).then(fail, (reason) => reason);
    expect(error).toMatchObject(translated);
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.cause).not.toBeInstanceOf(LlavaError);
  });
});

it('what works is as it was', async () => {
  const binding = make();
  expect(binding.physicalCores()).toBe(2);
  expect(binding.gpuTilesPerCall).toBe(4);
  const pool = new binding.ThreadPool(5);
  expect(pool).toBeInstanceOf(Pool);
  expect(pool.threads).toBe(5);
  const handle = await model();
  expect(handle).toBeInstanceOf(Model);
  expect([handle.nLayer, handle.tokenize('a')]).toEqual([3, 3]);
});

it('keeps what is no error of the addon', async () => {
  const thrown = new TypeError('mine');
  const binding = translateErrors({
    devices: () => {
      throw thrown;
    },
  } as unknown as NativeBinding);
  expect(() => binding.devices()).toThrow(thrown);
});

it('has the stack of whoever awaits it', async () => {
  async function whoAwaits() {
    await make().loadModel({ path: '' } as never, null, null);
  }
  const error = await whoAwaits().catch((reason) => reason);
  expect(error.stack).toContain('whoAwaits');
});
