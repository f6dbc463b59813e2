/**
 * Tiles to visual rows, the decoder's input: encode by turns, a few tiles in each so that other
 * chats keep their pace, then put the map together. Knows nothing about pixels or prompts.
 */

import { callCancellable } from '../addon/call-cancellable.js';
import type { NativeBinding, NativeVisionEncoder } from '../binding.js';
import type { ImagePlan } from './image-plan.js';
import { NewlineRows } from './newlines.js';
import type { VisionConfig } from './vision-config.js';

export interface EncodeOptions {
  /** Runs `work` when its turn among all that computes has come. */
  takeTurn<T>(work: () => Promise<T>): Promise<T>;
  signal?: AbortSignal;
  onTile?: (done: number, total: number) => void;
}

export interface Tower {
  encoder: NativeVisionEncoder;
  config: VisionConfig;
  binding: NativeBinding;
}

/**
 * Visual rows [plan.rows, nProjection], caller-owned: the overview's patches, then the map with a newline after each of its
 * rows. Holds the features of all tiles meanwhile (f32; 387 MB for 37 tiles of the 7B model).
 * @param tiles [plan.nTiles, T, T, 3], borrowed until settled
 * @throws ERR_ENCODE; `signal.reason` on an abort, which takes effect inside a tile
 */
export async function encodeRows(
  tiles: Uint8Array,
  plan: ImagePlan,
  tower: Tower,
  options: EncodeOptions,
): Promise<Float32Array> {
  const features = await encodeTiles(tiles, plan.nTiles, tower, options);
  const rows = await joinRows(features, plan, tower);
  options.signal?.throwIfAborted();
  return rows;
}

/** @returns [nTiles, nPatches, nProjection] */
async function encodeTiles(
  tiles: Uint8Array,
  nTiles: number,
  { encoder, config, binding }: Tower,
  { takeTurn, signal, onTile }: EncodeOptions,
): Promise<Float32Array> {
  const tileBytes = tiles.length / nTiles;
  const tileFeatures = encoder.nPatches * config.nProjection;
  const features = new Float32Array(nTiles * tileFeatures);
  await callCancellable(binding, signal, async (cancel) => {
    for (let first = 0; first < nTiles; first += encoder.tilesPerCall) {
      const end = Math.min(first + encoder.tilesPerCall, nTiles);
      const input = tiles.subarray(first * tileBytes, end * tileBytes);
      const output = features.subarray(first * tileFeatures, end * tileFeatures);
      await takeTurn(async () => {
        signal?.throwIfAborted();
        await encoder.encode(input, output, cancel);
      });
      onTile?.(end, nTiles);
    }
  });
  return features;
}

async function joinRows(
  features: Float32Array,
  plan: ImagePlan,
  { encoder, config, binding }: Tower,
): Promise<Float32Array> {
  const { nPatches } = encoder;
  const overview = features.subarray(0, nPatches * config.nProjection);
  const rows = new NewlineRows(plan.rows, encoder.newline!);
  rows.put(overview, 0, nPatches);
  if (plan.map) {
    const map = await binding.assembleMap(features.subarray(overview.length), plan.map);
    rows.put(map, nPatches, plan.map.outCols);
  }
  return rows.data;
}
