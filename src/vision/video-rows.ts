/**
 * Frames to visual rows, a few at a time as they are decoded: squash to a tile, encode by turns, pool, put in place.
 * Of a clip of any length it holds the rows, and pixels and features of `tilesPerCall` frames.
 */

import { callCancellable } from '../addon/call-cancellable.js';
import type { NativeCancel } from '../binding.js';
import type { RgbImage } from '../media/image.js';
import { NewlineRows } from './newlines.js';
import { squash } from './tiles.js';
import { rowsPerFrame, type VideoPlan } from './video-plan.js';
import type { EncodeOptions, Tower } from './visual-rows.js';

/**
 * Visual rows [plan.rows, nProjection], caller-owned, frames in the order of plan.frames.
 * @param frames the plan's different frames, ascending
 * @throws ERR_ENCODE; what `frames` throws; `signal.reason` on an abort, which takes effect inside a frame
 */
export async function encodeVideoRows(
  frames: AsyncIterable<RgbImage>,
  plan: VideoPlan,
  tower: Tower,
  options: EncodeOptions,
): Promise<Float32Array> {
  const { binding, config, encoder } = tower;
  const places = placesOf(plan);
  const rows = new NewlineRows(plan.rows, encoder.newline!);
  const nPooled = plan.pooledSide ** 2;
  const frameValues = nPooled * config.nProjection;
  const runLength = plan.newlineMode === 'grid' ? plan.pooledSide : nPooled;
  let nDone = 0;
  await callCancellable(binding, options.signal, async (cancel) => {
    for await (const tiles of batches(frames, tower, cancel)) {
      const n = tiles.length / (config.imageSize ** 2 * 3);
      const features = new Float32Array(n * encoder.nPatches * config.nProjection);
      await options.takeTurn(async () => {
        options.signal?.throwIfAborted();
        await encoder.encode(tiles, features, cancel);
      });
      const pooled = await poolFrames(features, n, plan.pooledSide, tower);
      for (let i = 0; i < n; i++) {
        const frame = pooled.subarray(i * frameValues, (i + 1) * frameValues);
        for (const place of places[nDone + i]!)
          rows.put(frame, place * rowsPerFrame(plan), runLength);
      }
      nDone += n;
      options.onTile?.(nDone, plan.nTiles);
    }
  });
  options.signal?.throwIfAborted();
  return rows.data;
}

/** For each different frame, where it stands in the clip as the model sees it. */
function placesOf({ frames }: VideoPlan): number[][] {
  const places = new Map<number, number[]>();
  frames.forEach((frame, place) => {
    places.set(frame, [...(places.get(frame) ?? []), place]);
  });
  return [...places.values()];
}

/** Tiles [n, T, T, 3] of n frames, as many as are encoded in one call. */
async function* batches(
  frames: AsyncIterable<RgbImage>,
  { binding, config, encoder }: Tower,
  cancel: NativeCancel,
): AsyncGenerator<Uint8Array> {
  const tileBytes = config.imageSize ** 2 * 3;
  let tiles = new Uint8Array(encoder.tilesPerCall * tileBytes);
  let n = 0;
  for await (const frame of frames) {
    tiles.set((await squash(frame, config.imageSize, { binding, cancel })).data, n * tileBytes);
    if (++n < encoder.tilesPerCall) continue;
    yield tiles;
    tiles = new Uint8Array(tiles.length);
    n = 0;
  }
  if (n > 0) yield tiles.subarray(0, n * tileBytes);
}

async function poolFrames(
  features: Float32Array,
  n: number,
  pooledSide: number,
  { binding, config }: Tower,
): Promise<Float32Array> {
  if (pooledSide === config.side) return features;
  return binding.poolFrames(features, n, config.side, pooledSide, config.nProjection);
}
