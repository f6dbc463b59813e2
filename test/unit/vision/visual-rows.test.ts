// Encoding tile by tile by turns, progress, cancelling, rows without a map. Maps themselves: test/addon.
import { describe, expect, it, vi } from 'vitest';
import type { NativeBinding, NativeVisionEncoder } from '../../../src/binding.js';
import type { ImagePlan } from '../../../src/vision/image-plan.js';
import type { VisionConfig } from '../../../src/vision/vision-config.js';
import { type EncodeOptions, encodeRows } from '../../../src/vision/visual-rows.js';
import { fakeEncoder } from '../../support/fake-encoder.js';

const geometry = { imageSize: 4, side: 2, pinpoints: [], maxTiles: 9, nProjection: 3 };
const TILE_BYTES = 48;
const cancelled = vi.fn();
const mapRows = Float32Array.from({ length: 12 }, (_, i) => i);
const assembleMap = vi.fn(async () => mapRows);
const binding = {
  Cancel: class {
    cancel = cancelled;
  },
  assembleMap,
} as unknown as NativeBinding;

const map = { cols: 4, rows: 1, outCols: 2 } as ImagePlan['map'];
const plan = (nTiles: number, rows: number) =>
  ({ nTiles, rows, map: nTiles > 1 ? map : null }) as ImagePlan;
const tiles = (count: number) =>
  Uint8Array.from({ length: count * TILE_BYTES }, (_, i) => Math.floor(i / TILE_BYTES));
type TakeTurn = EncodeOptions['takeTurn'];
const direct: TakeTurn = (work) => work();

function encode(
  encoder: NativeVisionEncoder,
  options: Partial<Parameters<typeof encodeRows>[3]> = {},
  { nTiles, rows } = { nTiles: 5, rows: 10 },
) {
  const tower = { encoder, config: geometry as unknown as VisionConfig, binding };
  return encodeRows(tiles(nTiles), plan(nTiles, rows), tower, { takeTurn: direct, ...options });
}

describe('encodeRows', () => {
  it('puts the overview in front of the map of the other tiles, whose rows end in newlines', async () => {
    const rows = await encode(fakeEncoder(geometry));
    expect([...rows.subarray(0, 12)]).toEqual([0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]);
    expect([...rows.subarray(12)]).toEqual([
      ...[...mapRows.subarray(0, 6), -1, -2, -3],
      ...[...mapRows.subarray(6), -1, -2, -3],
    ]);
    const [features, options] = assembleMap.mock.calls.at(-1) as unknown as [Float32Array, unknown];
    expect(features).toHaveLength(4 * 12);
    expect([features[0], features[12], features[36]]).toEqual([1000, 2000, 4000]);
    expect(options).toBe(map);
  });

  it('fills what follows the only tile with newlines', async () => {
    const rows = await encode(fakeEncoder(geometry), {}, { nTiles: 1, rows: 6 });
    expect([...rows.subarray(9)]).toEqual([30, 31, 32, -1, -2, -3, -1, -2, -3]);
    const bare = await encode(fakeEncoder(geometry), {}, { nTiles: 1, rows: 4 });
    expect(bare).toHaveLength(12);
  });

  it('takes one turn of the takeTurn per call and reports each', async () => {
    const encoder = fakeEncoder(geometry, 2);
    const turns = vi.fn();
    const onTile = vi.fn();
    const takeTurn: TakeTurn = (work) => {
      turns();
      return work();
    };
    await encode(encoder, { takeTurn, onTile });
    expect(encoder.calls).toEqual([2, 2, 1]);
    expect(turns).toHaveBeenCalledTimes(3);
    expect(onTile.mock.calls).toEqual([
      [2, 5],
      [4, 5],
      [5, 5],
    ]);
  });

  it('cancels the tile being encoded and rejects with the reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const encoder = fakeEncoder(geometry);
    encoder.encode = () =>
      new Promise((_, reject) => {
        const error = Object.assign(new Error('cancelled'), { code: 'ERR_CANCELLED' });
        cancelled.mockImplementationOnce(() => reject(error));
        controller.abort(reason);
      });
    await expect(encode(encoder, { signal: controller.signal })).rejects.toBe(reason);
    expect(cancelled).toHaveBeenCalledTimes(1);
  });

  it('does not encode when aborted while waiting for its turn', async () => {
    const controller = new AbortController();
    const encoder = fakeEncoder(geometry);
    const takeTurn: TakeTurn = async (work) => {
      controller.abort();
      return work();
    };
    await expect(encode(encoder, { takeTurn, signal: controller.signal })).rejects.toBe(
      controller.signal.reason,
    );
    expect(encoder.calls).toEqual([]);
  });

  it('passes other errors on and leaves no listener behind', async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    const encoder = fakeEncoder(geometry);
    const broken = new Error('broken');
    encoder.encode = async () => {
      throw broken;
    };
    await expect(encode(encoder, { signal })).rejects.toBe(broken);
    expect(remove.mock.calls).toEqual(add.mock.calls);
  });
});
