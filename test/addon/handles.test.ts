import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeGgufWriter, NativeHandle } from '../../src/binding.js';
import { openedDecoder } from '../support/opened-decoder.js';
import { CONTEXT_OPTIONS, GREEDY, modelOptions, openDecoder } from '../support/tiny-decoder.js';

const tiny = openedDecoder();

const slice = (n: number) => ({
  ...{ sequence: 0, position: 0, data: new Int32Array(n), sampler: null },
});

/** A writer with one tensor of 16 MB declared. */
function newWriter(): NativeGgufWriter {
  const writer = new (native().GgufWriter)(join(tiny.folder, 'out.gguf'));
  writer.addTensor('t', 'q8_0', [1024, 4096]);
  return writer;
}

interface Pending {
  handle: NativeHandle;
  work: Promise<unknown>;
  after: () => unknown;
}

/** Every asynchronous method, started, with a call to make when its handle is gone. */
const operations: [string, () => Promise<Pending>][] = [
  [
    'Context.step',
    async () => {
      const { context } = await openDecoder(tiny.path);
      return { handle: context, work: context.step([slice(128)]), after: () => context.nCtx };
    },
  ],
  [
    'Model.tokenizeAsync',
    async () => {
      const { model } = await openDecoder(tiny.path);
      return {
        handle: model,
        work: model.tokenizeAsync('a '.repeat(100_000)),
        after: () => model.nVocab,
      };
    },
  ],
  [
    'GgufWriter.copyMetadata',
    async () => {
      const writer = new (native().GgufWriter)(join(tiny.folder, 'copy.gguf'));
      const work = writer.copyMetadata(tiny.path, []);
      return { handle: writer, work, after: () => writer.setValue('key', 'u32', 1) };
    },
  ],
  [
    'GgufWriter.begin',
    async () => {
      const writer = newWriter();
      const after = () => writer.setValue('key', 'u32', 1);
      return { handle: writer, work: writer.begin(), after };
    },
  ],
  [
    'GgufWriter.write',
    async () => {
      const writer = newWriter();
      await writer.begin();
      const work = writer.write('f32', new Uint8Array(1 << 24));
      return { handle: writer, work, after: () => writer.finish() };
    },
  ],
  [
    'GgufWriter.finish',
    async () => {
      const writer = newWriter();
      await writer.begin();
      await writer.write('f32', new Uint8Array(1 << 24));
      return { handle: writer, work: writer.finish(), after: () => writer.begin() };
    },
  ],
];

const disposed = expect.objectContaining({ code: 'ERR_DISPOSED' });

describe('dispose', () => {
  it.each(operations)('waits for a pending %s', async (_, start) => {
    const { handle, work, after } = await start();
    const order: string[] = [];
    const noted = work.then(() => order.push('work'));
    const gone = [handle.dispose(), handle.dispose()];
    expect(after).toThrow(disposed);
    await Promise.all([noted, ...gone.map((one) => one.then(() => order.push('disposed')))]);
    expect(order).toEqual(['work', 'disposed', 'disposed']);
    await handle.dispose();
    expect(after).toThrow(disposed);
  });

  it('frees what is large on another thread, which tells so by the event loop', async () => {
    const { model, pool, context } = await openDecoder(tiny.path);
    const freed: string[] = [];
    const all = Object.entries({ context, model, pool }).map(([name, handle]) =>
      handle.dispose().then(() => freed.push(name)),
    );
    // Promises alone: whatever is freed here and now would be told of.
    for (let i = 0; i < 1000; i++) await Promise.resolve();
    expect(freed).toEqual([]);
    await Promise.all(all);
    expect(freed.toSorted()).toEqual(['context', 'model', 'pool']);
  });

  it('of a failing operation waits too', async () => {
    const writer = new (native().GgufWriter)('/does/not/exist');
    const work = expect(writer.begin()).rejects.toMatchObject({ code: 'ERR_WRITE' });
    await writer.dispose();
    await work;
  });

  it('of a parent leaves its children working', async () => {
    const { model, pool, context, sampler } = await openDecoder(tiny.path);
    const own = sampler();
    for (const handle of [model, pool]) await handle.dispose();
    const results = await context.step([{ ...slice(3), sampler: own }]);
    expect(results[0]!.token).toBeGreaterThanOrEqual(0);
    await own.dispose();
    await context.dispose();
  });

  it('makes every member throw', async () => {
    const { model, pool, context, sampler } = await openDecoder(tiny.path);
    const own = sampler();
    const handles = { model, pool, context, sampler: own };
    for (const handle of Object.values(handles)) await handle.dispose();
    const binding = native();
    for (const call of [
      () => model.nVocab,
      () => model.tokenize(''),
      () => model.specialToken(''),
      () => model.tokenBytes(0, true),
      () => pool.threads,
      () => context.nSeqMax,
      () => context.step([slice(1)]),
      () => context.removePositions(0, 0),
      () => context.copySequence(0, 1, 0),
      () => own.accept(1),
      () => new binding.Sampler(model, GREEDY),
      () => binding.createContext(model, tiny.decoder.pool, CONTEXT_OPTIONS),
      () => binding.createContext(tiny.decoder.model, pool, CONTEXT_OPTIONS),
      () => tiny.decoder.context.step([{ ...slice(1), sampler: own }]),
    ])
      expect(call).toThrow(disposed);
  });
});

describe('a wrong handle', () => {
  const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });

  it.each([
    ['a thread pool', () => tiny.decoder.pool],
    ['a context', () => tiny.decoder.context],
    ['an empty object', () => ({})],
    ['an heir', () => Object.create(tiny.decoder.model)],
    ['null', () => null],
    ['a number', () => 1],
  ])('instead of a model is refused: %s', (_, wrong) => {
    const model = wrong() as never;
    expect(() => new (native().Sampler)(model, GREEDY)).toThrow(invalid);
    expect(() => native().createContext(model, tiny.decoder.pool, CONTEXT_OPTIONS)).toThrow(
      invalid,
    );
  });

  it('in other places is refused', () => {
    const wrong = tiny.decoder.model as never;
    expect(() => native().createContext(wrong, wrong, CONTEXT_OPTIONS)).toThrow(invalid);
    expect(() => native().loadModel(modelOptions(tiny.path), wrong, null)).toThrow(invalid);
    expect(() => native().loadModel(modelOptions(tiny.path), null, wrong)).toThrow(invalid);
    expect(() => tiny.decoder.context.step([{ ...slice(1), sampler: wrong }])).toThrow(invalid);
  });

  it('as receiver is refused', () => {
    const { step } = tiny.decoder.context;
    for (const receiver of [tiny.decoder.model, {}, undefined, 1])
      expect(() => step.call(receiver as never, [slice(1)])).toThrow(TypeError);
    const dispose = tiny.decoder.context.dispose;
    expect(() => dispose.call(tiny.decoder.model)).toThrow(TypeError);
  });

  it('made by its constructor owns nothing', () => {
    const Model = tiny.decoder.model.constructor as new () => typeof tiny.decoder.model;
    expect(() => new Model().nVocab).toThrow(disposed);
    expect(() => (Model as unknown as () => void)()).toThrow(TypeError);
  });
});
