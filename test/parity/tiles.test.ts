// Tiles, byte for byte, and the sizes of the feature map: what the reference implementations cut from the golden pictures.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { DEFAULT_MAX_PIXELS, type ImageSource, openImage } from '../../src/media/image.js';
import { mediaParts } from '../../src/prompt/messages.js';
import { planImage, type TileGeometry } from '../../src/vision/image-plan.js';
import { cutTiles } from '../../src/vision/tiles.js';
import { type CheckpointName, type GoldenCase, goldenCases } from '../support/golden.js';

const checkpoints: Record<CheckpointName, { config: string; imageSize: number; side: number }> = {
  demo: { config: '../../demo/checkpoint', imageSize: 112, side: 8 },
  tiny384: { config: '../golden/checkpoints/tiny384', imageSize: 384, side: 27 },
};

function geometry(checkpoint: CheckpointName): TileGeometry {
  const { config, imageSize, side } = checkpoints[checkpoint];
  const { image_grid_pinpoints: pairs, image_aspect_ratio: mode } = JSON.parse(
    readFileSync(new URL(`${config}/config.json`, import.meta.url), 'utf8'),
  );
  const maxTiles = Number(/^anyres_max_(\d+)$/.exec(mode)![1]);
  const pinpoints = (pairs as [number, number][]).map(([width, height]) => ({ width, height }));
  return { imageSize, side, pinpoints, maxTiles, nProjection: 1 };
}

async function cutCase(golden: GoldenCase, index: number, source: ImageSource) {
  const config = geometry(golden.checkpoint);
  const image = await openImage(source, { maxPixels: DEFAULT_MAX_PIXELS, autoOrient: true });
  const imageCount = golden.media.filter(({ kind }) => kind === 'image').length;
  const plan = planImage(image, config, { dialect: golden.dialect, imageCount });
  const tiles = await cutTiles(await image.decode(), plan, { config, binding: native() });
  const tileBytes = config.imageSize ** 2 * 3;
  const hashes = Array.from({ length: plan.nTiles }, (_, i) =>
    createHash('sha256')
      .update(tiles.subarray(i * tileBytes, (i + 1) * tileBytes))
      .digest('hex'),
  );
  return { plan, hashes, expected: golden.media[index]! };
}

describe.each(['demo', 'tiny384'] as const)('%s', (checkpoint) => {
  const cases = goldenCases(checkpoint).filter(({ media }) =>
    media.some(({ kind }) => kind === 'image'),
  );

  it('has pictures', () => expect(cases.length).toBeGreaterThan(10));

  it.each(cases.map((golden) => [golden.id, golden] as const))('%s', async (_, golden) => {
    for (const [index, part] of mediaParts(golden.messages).entries()) {
      if (part.type !== 'image') continue;
      const { plan, hashes, expected } = await cutCase(golden, index, part.image);
      expect(plan.rows).toBe(expected.rows);
      expect(hashes).toEqual(expected.tiles);
      if (!expected.grid) continue;
      const sizes = [
        [plan.grid!.cols, plan.grid!.rows],
        [plan.unpadded.rows, plan.unpadded.cols],
        [plan.final.rows, plan.final.cols],
      ];
      expect(sizes).toEqual([expected.grid, expected.unpadded, expected.final]);
    }
  });
});
