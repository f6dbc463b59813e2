// Hashes of Pillow 12.3.0's own output (Image.resize with BICUBIC) on a computed picture.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeCancel } from '../../src/binding.js';
import { memoryTest } from '../support/skip-unless.js';

const binding = native();

function picture(width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      data[i++] = 7 * x + 13 * y;
      data[i++] = 3 * x + 5 * y;
      data[i++] = x * x + y;
    }
  return data;
}

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('resizeBicubic equals Pillow', () => {
  it.each([
    [100, 60, 384, 384, '26ba6381b50e9556361862f8a6d46b0ec85cc5b37b964dc628b8865ec84ef66f'],
    [1000, 700, 384, 384, '86a15ef50ed75d39c9da78053e1992f1b2b1afdd6a858670f0cca19d7b068491'],
    [1000, 700, 1097, 768, '124ff1eec0af17ed9450006c6dac08d53ecdb091437c26984e564a2981a3e197'],
    [1, 1, 384, 384, 'ecdd54e7af52d8ca757fa4f6b58884c0d8b5c487abeebdf23a4008a3b1b810bf'],
    [2, 1, 384, 192, '2ecca35934981c98d8e205c4fa2d6a8c3e30c535ab445c61ef4fec63c624f226'],
    [10000, 100, 2304, 24, '47d930f16e5693a25b924cc59347751dc337939acd30496ec8435e78c1086031'],
    [1, 6000, 1, 384, '6777cf6434e8bfb6a593f73328d6d8a7cf6de78f266f991b834145e166535f79'],
    [1, 6000, 384, 384, '91e3364c028776c5a93ca2e6adcdec0f7f2e467f57c80b2536553efdc321f2a7'],
    [6000, 1, 384, 1, 'ee236ce9c8ed501e7b4d5d933f0d2067df60c154112b7fa7f6e3e3fa7662d2e9'],
    [384, 500, 384, 384, '8b0d1f93d31004ecc86f22f5d3de844bf3c11e893540626ee39a770685e0953f'],
    [500, 384, 384, 384, 'caebfef71ac0516cfd59cc9a5116384e21d6bdb74273da55e095d09dc86b7f38'],
    [37, 1001, 43, 1152, 'cbdca5a75209fb0371bbd2f76957c825b0946ad31741185fcced8285e395d84f'],
    [1920, 1080, 384, 384, '3592d35c7764d372f90da91e2c8f714f2670e57025da054a5b23badcacbdff1f'],
    [301, 517, 7, 5, '25930150eca14afb3f89e5bd9b56ba4213e92d4a6f634d6911a127befd8e8770'],
    [3, 3, 2, 1000, '92276395254940de6be790333c9051789377c5f2dfed7eff8b633f82452c7bf2'],
  ])('%i×%i to %i×%i', async (width, height, outWidth, outHeight, expected) => {
    const source = picture(width, height);
    const out = await binding.resizeBicubic(source, width, height, outWidth, outHeight);
    expect(out).toHaveLength(outWidth * outHeight * 3);
    expect(hash(out)).toBe(expected);
  });

  it('copies when no side changes', async () => {
    const source = picture(33, 21);
    const out = await binding.resizeBicubic(source, 33, 21, 33, 21);
    expect(out).not.toBe(source);
    expect(hash(out)).toBe(hash(source));
  });

  it('needs little memory for a long strip', memoryTest, async () => {
    const strip = new Uint8Array(300_000 * 3).fill(200);
    const before = process.resourceUsage().maxRSS;
    const out = await binding.resizeBicubic(strip, 1, 300_000, 384, 384);
    expect(out.every((byte) => byte === 200)).toBe(true);
    // A whole intermediate picture would be 350 MB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(100 * 1024);
  });
});

describe('resizeSquared equals Pillow on the whole square', () => {
  const FILL = 127;

  async function expected(data: Uint8Array, { width, height }: Size, side: number) {
    const length = Math.max(width, height);
    const square = new Uint8Array(length * length * 3).fill(FILL);
    const [left, top] = [Math.floor((length - width) / 2), Math.floor((length - height) / 2)];
    for (let y = 0; y < height; y++)
      square.set(
        data.subarray(y * width * 3, (y + 1) * width * 3),
        ((y + top) * length + left) * 3,
      );
    return binding.resizeBicubic(square, length, length, side, side);
  }

  interface Size {
    width: number;
    height: number;
  }

  it.each([
    [1, 1, 384],
    [384, 200, 384],
    [200, 384, 384],
    [384, 384, 384],
    [100, 61, 384],
    [61, 100, 384],
    [1000, 700, 384],
    [3, 4001, 384],
    [4001, 2, 384],
    [4001, 2, 16],
    [7, 5, 1],
    [2501, 2400, 112],
  ])('%i×%i to %i', async (width, height, side) => {
    const source = picture(width, height);
    const out = await binding.resizeSquared(source, width, height, side, FILL);
    expect(hash(out)).toBe(hash(await expected(source, { width, height }, side)));
  });

  it('whatever the fill', async () => {
    const source = picture(1, 3001);
    for (const fill of [0, 255]) {
      const out = await binding.resizeSquared(source, 1, 3001, 16, fill);
      expect([out[0], out.at(-1)]).toEqual([fill, fill]);
    }
  });
});

it('a resize can be cancelled', async () => {
  const large = new Uint8Array(1000 * 20_000 * 3);
  for (const start of [
    (cancel: NativeCancel) => binding.resizeBicubic(large, 1000, 20_000, 384, 384, cancel),
    (cancel: NativeCancel) => binding.resizeSquared(large, 1000, 20_000, 384, 127, cancel),
  ]) {
    const cancel = new binding.Cancel();
    const resizing = start(cancel);
    cancel.cancel();
    await expect(resizing).rejects.toMatchObject({ code: 'ERR_CANCELLED' });
  }
});

describe('resizeBicubic refuses', () => {
  const pixels = new Uint8Array(2 * 3 * 3);
  it.each([
    ['a size that is not the data’s', [pixels, 3, 3, 4, 4]],
    ['no width', [new Uint8Array(0), 0, 3, 4, 4]],
    ['a negative size', [pixels, 2, 3, -4, 4]],
    ['half a pixel', [pixels, 2, 3, 4.5, 4]],
    ['a NaN', [pixels, 2, Number.NaN, 4, 4]],
    ['more output than memory', [pixels, 2, 3, 1 << 20, 1 << 20]],
    ['another array', [new Float32Array(18), 2, 3, 4, 4]],
    ['shared memory', [new Uint8Array(new SharedArrayBuffer(18)), 2, 3, 4, 4]],
  ])('%s', (_, args) => {
    const call = binding.resizeBicubic as (...args: unknown[]) => unknown;
    expect(() => call(...args)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }) as unknown as Error,
    );
  });

  it.each([
    ['a size that is not the data’s', [pixels, 3, 3, 4, 127]],
    ['no side', [pixels, 2, 3, 0, 127]],
    ['a fill that is no byte', [pixels, 2, 3, 4, 256]],
    ['more output than memory', [pixels, 2, 3, 1 << 20, 127]],
    ['another handle', [pixels, 2, 3, 4, 127, new binding.ThreadPool(1)]],
  ])('and resizeSquared %s', (_, args) => {
    const call = binding.resizeSquared as (...args: unknown[]) => unknown;
    expect(() => call(...args)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }) as unknown as Error,
    );
  });
});
