// Frames to rows with a tower that can be computed by hand; pooling keeps the first patch of each 2 × 2.
import { describe, expect, it, vi } from 'vitest';
import type { NativeBinding } from '../../../src/binding.js';
import type { RgbImage } from '../../../src/media/image.js';
import { planVideo } from '../../../src/vision/video-plan.js';
import { encodeVideoRows } from '../../../src/vision/video-rows.js';
import type { NewlineMode, VisionConfig } from '../../../src/vision/vision-config.js';
import type { EncodeOptions } from '../../../src/vision/visual-rows.js';
import { fakeEncoder } from '../../support/fake-encoder.js';

const WIDTH = 2;
const geometry = { imageSize: 4, side: 4, pinpoints: [], maxTiles: 9, nProjection: WIDTH };
const NEWLINE = [-1, -2];

const binding = {
  Cancel: class {
    cancel() {}
  },
  resizeBicubic: async (rgb: Uint8Array, _: number, __: number, width: number, height: number) =>
    new Uint8Array(width * height * 3).fill(rgb[0]!),
  poolFrames: async (features: Float32Array, n: number, side: number, outSide: number) => {
    const out = new Float32Array(n * outSide ** 2 * WIDTH);
    for (let i = 0; i < out.length / WIDTH; i++) {
      const [frame, patch] = [Math.floor(i / outSide ** 2), i % outSide ** 2];
      const row = Math.floor(patch / outSide) * 2;
      const from = frame * side ** 2 + row * side + (patch % outSide) * 2;
      out.set(features.subarray(from * WIDTH, (from + 1) * WIDTH), i * WIDTH);
    }
    return out;
  },
} as unknown as NativeBinding;

/** Frames of another shape than a tile; frame n is all n. */
async function* clip(numbers: Iterable<number>): AsyncGenerator<RgbImage> {
  for (const n of numbers) yield { width: 3, height: 5, data: new Uint8Array(45).fill(n) };
}

function encode(
  nFrames: number,
  frames: number,
  more: Partial<EncodeOptions> & { newlineMode?: NewlineMode; tilesPerCall?: number } = {},
) {
  const { newlineMode = 'one_token', tilesPerCall = 1, ...options } = more;
  const config = { ...geometry, poolStride: 2, newlineMode } as unknown as VisionConfig;
  const plan = planVideo(nFrames, config, { dialect: 'llava-next', frames });
  const encoder = fakeEncoder(geometry, tilesPerCall);
  const tower = { encoder, config, binding };
  const takeTurn = { takeTurn: <T>(work: () => Promise<T>) => work(), ...options };
  const rows = encodeVideoRows(clip(new Set(plan.frames)), plan, tower, takeTurn);
  return { plan, encoder, rows };
}

/** The pooled patches 0, 2, 8 and 10 of a frame. */
const pooled = (frame: number) =>
  [0, 2, 8, 10].flatMap((patch) => [frame * 1000 + patch * 10, frame * 1000 + patch * 10 + 1]);

describe('encodeVideoRows', () => {
  it('puts the frames in order, then one newline', async () => {
    const { rows, plan } = encode(3, 3);
    expect([...(await rows)]).toEqual([...pooled(0), ...pooled(1), ...pooled(2), ...NEWLINE]);
    expect((await rows).length).toBe(plan.rows * WIDTH);
  });

  it('encodes as many frames per turn as the tower likes, the last turn what is left', async () => {
    const onTile = vi.fn();
    const { rows, encoder } = encode(5, 5, { tilesPerCall: 2, onTile });
    const expected = [0, 1, 2, 3, 4].flatMap(pooled);
    expect([...(await rows)]).toEqual([...expected, ...NEWLINE]);
    expect(encoder.calls).toEqual([2, 2, 1]);
    expect(onTile.mock.calls).toEqual([
      [2, 5],
      [4, 5],
      [5, 5],
    ]);
  });

  it('encodes a repeated frame once', async () => {
    const { rows, encoder } = encode(2, 5, { tilesPerCall: 2 });
    const expected = [0, 0, 0, 0, 1].flatMap(pooled);
    expect([...(await rows)]).toEqual([...expected, ...NEWLINE]);
    expect(encoder.calls).toEqual([2]);
  });

  it.each<[NewlineMode, number[]]>([
    ['no_token', [...pooled(0), ...pooled(1)]],
    ['frame', [...pooled(0), ...NEWLINE, ...pooled(1), ...NEWLINE]],
    [
      'grid',
      [0, 1].flatMap((n) => [
        ...[...pooled(n).slice(0, 4), ...NEWLINE],
        ...[...pooled(n).slice(4), ...NEWLINE],
      ]),
    ],
  ])('%s', async (newlineMode, expected) => {
    expect([...(await encode(2, 2, { newlineMode }).rows)]).toEqual(expected);
  });

  it('ends the clip when it is aborted', async () => {
    const controller = new AbortController();
    const ended = vi.fn();
    async function* endless() {
      try {
        for (let n = 0; ; n++) yield* clip([n % 200]);
      } finally {
        ended();
      }
    }
    const config = {
      ...geometry,
      poolStride: 2,
      newlineMode: 'one_token',
    } as unknown as VisionConfig;
    const plan = planVideo(1000, config, { dialect: 'llava-next', frames: 1000 });
    const tower = { encoder: fakeEncoder(geometry), config, binding };
    const rows = encodeVideoRows(endless(), plan, tower, {
      takeTurn: (work) => work(),
      signal: controller.signal,
      onTile: (done) => done === 3 && controller.abort('enough'),
    });
    await expect(rows).rejects.toBe('enough');
    expect(ended).toHaveBeenCalledTimes(1);
    expect(tower.encoder.calls).toHaveLength(3);
  });

  it('fails as its frames do', async () => {
    const config = {
      ...geometry,
      poolStride: 2,
      newlineMode: 'one_token',
    } as unknown as VisionConfig;
    const plan = planVideo(2, config, { dialect: 'llava-next', frames: 2 });
    async function* broken() {
      yield* clip([0]);
      throw new Error('no more');
    }
    const tower = { encoder: fakeEncoder(geometry), config, binding };
    const rows = encodeVideoRows(broken(), plan, tower, { takeTurn: (work) => work() });
    await expect(rows).rejects.toThrow('no more');
  });
});
