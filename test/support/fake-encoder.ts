/** A tower whose patch features can be computed by hand: feature c of patch p is the tile's first byte * 1000 + p * 10 + c. */
import type { NativeVisionEncoder } from '../../src/binding.js';
import type { TileGeometry } from '../../src/vision/image-plan.js';

export interface FakeEncoder extends NativeVisionEncoder {
  /** Tiles of each call so far. */
  calls: number[];
}

export function fakeEncoder(
  { imageSize, side, nProjection }: TileGeometry,
  tilesPerCall = 1,
): FakeEncoder {
  const nPatches = side ** 2;
  const tileBytes = imageSize ** 2 * 3;
  const calls: number[] = [];
  return {
    nPatches,
    tilesPerCall,
    backend: 'fake',
    size: 0,
    newline: Float32Array.from({ length: nProjection }, (_, c) => -1 - c),
    calls,
    async encode(tiles, out) {
      const nTiles = tiles.length / tileBytes;
      calls.push(nTiles);
      for (let i = 0; i < out.length; i++) {
        const row = Math.floor(i / nProjection);
        const tile = Math.floor(row / nPatches);
        out[i] = tiles[tile * tileBytes]! * 1000 + (row % nPatches) * 10 + (i % nProjection);
      }
    },
    dispose: async () => {},
  };
}
