/** The cached positions of a sequence as bytes: back into this context or another one, and never anything else. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NativeContextOptions, NativeSample } from '../../src/binding.js';
import { openedDecoder } from '../support/opened-decoder.js';
import { expectSame } from '../support/samples.js';
import {
  CONTEXT_OPTIONS,
  type OpenDecoder,
  openDecoder,
  TINY,
  writeTinyDecoder,
} from '../support/tiny-decoder.js';

const tiny = openedDecoder();
const PROMPT = Int32Array.from({ length: 50 }, (_, i) => (i * 37) % 250);
const NEXT = Int32Array.of(3);

async function decode(
  { context, sampler }: OpenDecoder,
  sequence: number,
  [position, data]: [number, Int32Array],
): Promise<NativeSample> {
  const slice = { sequence, position, data, sampler: sampler({ nTop: TINY.nVocab }) };
  return (await context.step([slice]))[0]!;
}

function clear({ context }: OpenDecoder): void {
  for (let sequence = 0; sequence < context.nSeqMax; sequence++)
    context.removePositions(sequence, 0);
}

/** The state of PROMPT, and what follows it. */
async function saved(from = tiny.decoder) {
  clear(from);
  // The cells of the sequence do not lie together.
  await decode(from, 0, [0, PROMPT.subarray(0, 20)]);
  await decode(from, 1, [0, PROMPT.subarray(7, 12)]);
  await decode(from, 0, [20, PROMPT.subarray(20)]);
  const state = await from.context.saveSequence(0);
  return { state, next: await decode(from, 0, [PROMPT.length, NEXT]) };
}

const invalid = (argument: string) =>
  expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument });

describe('a saved sequence', () => {
  it.each<[string, Partial<NativeContextOptions>]>([
    ['f32', {}],
    ['f16', { kvTypeK: 'f16', kvTypeV: 'f16', flashAttention: 'auto' }],
    ['f16 with flash attention', { kvTypeK: 'f16', kvTypeV: 'f16', flashAttention: 'on' }],
    ['q8_0', { kvTypeK: 'q8_0', kvTypeV: 'q8_0', flashAttention: 'on' }],
  ])('goes on in another context, %s', async (_, options) => {
    const from = await openDecoder(tiny.path, options);
    const { state, next } = await saved(from);
    await from.dispose();
    const to = await openDecoder(tiny.path, { ...options, nCtx: 512, nSeqMax: 2 });
    await decode(to, 0, [0, Int32Array.of(1, 2, 3)]);
    await to.context.loadSequence(1, state, PROMPT.length);
    expectSame(await decode(to, 1, [PROMPT.length, NEXT]), next);
    await to.dispose();
  });

  it('holds what it shares with others', async () => {
    const { next } = await saved();
    tiny.decoder.context.copySequence(0, 2, PROMPT.length);
    const state = await tiny.decoder.context.saveSequence(2);
    clear(tiny.decoder);
    await tiny.decoder.context.loadSequence(3, state, PROMPT.length);
    expectSame(await decode(tiny.decoder, 3, [PROMPT.length, NEXT]), next);
  });

  it('of nothing cannot be loaded', async () => {
    clear(tiny.decoder);
    const state = await tiny.decoder.context.saveSequence(0);
    await expect(tiny.decoder.context.loadSequence(1, state, 1)).rejects.toEqual(invalid('state'));
  });
});

describe('loading refuses', () => {
  const loads: [string, (state: Uint8Array) => [number, Uint8Array, number], string][] = [
    ['fewer positions than it says', (state) => [1, state, 51], 'state'],
    ['more positions than it says', (state) => [1, state, 49], 'state'],
    ['a sequence that is not empty', (state) => [0, state, 50], 'sequence'],
    ['a part', (state) => [1, state.subarray(0, state.length - 1), 50], 'state'],
    ['more than a state', (state) => [1, Uint8Array.of(...state, 0), 50], 'state'],
    ['noise', (state) => [1, state.map((_, i) => i * 71), 50], 'state'],
    ['nothing', () => [1, new Uint8Array(), 1], 'state'],
    ['a huge count', () => [1, new Uint8Array(100), 2 ** 24], 'state'],
  ];
  it.each(loads)('%s', async (_, args, argument) => {
    const { state, next } = await saved();
    tiny.decoder.context.removePositions(1, 0);
    await expect(tiny.decoder.context.loadSequence(...args(state))).rejects.toEqual(
      invalid(argument),
    );
    await tiny.decoder.context.loadSequence(1, state, PROMPT.length);
    expectSame(await decode(tiny.decoder, 1, [PROMPT.length, NEXT]), next);
  });

  it('what has no room', async () => {
    const { state } = await saved();
    const { context } = tiny.decoder;
    await decode(tiny.decoder, 2, [0, new Int32Array(CONTEXT_OPTIONS.nBatch)]);
    await decode(tiny.decoder, 2, [CONTEXT_OPTIONS.nBatch, new Int32Array(60)]);
    await expect(context.loadSequence(3, state, PROMPT.length)).rejects.toEqual(invalid('state'));
    // All 12 cells that were free still are.
    await decode(tiny.decoder, 3, [0, new Int32Array(12)]);
  });

  it.each<[string, Partial<NativeContextOptions>]>([
    ['another cache type', { kvTypeK: 'f16' }],
    ['values stored another way', { kvTypeK: 'f32', kvTypeV: 'f32', flashAttention: 'on' }],
  ])('%s', async (_, options) => {
    const { state } = await saved();
    const other = await openDecoder(tiny.path, options);
    const loading = other.context.loadSequence(0, state, PROMPT.length);
    await expect(loading).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'state',
    });
    await decode(other, 0, [0, PROMPT]);
    await other.dispose();
  });

  it('another model', async () => {
    const { state } = await saved();
    const file = join(tiny.folder, 'other.gguf');
    await writeTinyDecoder(file, { sizes: { nLayer: TINY.nLayer + 1 } });
    const other = await openDecoder(file);
    const loading = other.context.loadSequence(0, state, PROMPT.length);
    await expect(loading).rejects.toEqual(invalid('state'));
    await other.dispose();
  });

  it('arguments of the wrong kind, and everything while it runs', async () => {
    const { state } = await saved();
    const { context } = tiny.decoder;
    const wrong: unknown[][] = [
      [4, state, 50],
      [-1, state, 50],
      [1, [...state], 50],
      [1, new Float32Array(9), 50],
      [1, state, 0],
      [1, state, 1.5],
    ];
    for (const args of wrong)
      expect(() => context.loadSequence(...(args as [number, Uint8Array, number]))).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
      );
    expect(() => context.saveSequence(4)).toThrow(invalid('sequence'));
    const saving = context.saveSequence(0);
    expect(() => context.removePositions(0, 0)).toThrow(/one operation/);
    expect(() => context.loadSequence(1, state, 50)).toThrow(/one operation/);
    await saving;
  });
});
