/** The two files of a model, and what is said when they are not that. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LlavaOneVision } from '../../../src/index.js';
import { type LoadOptions, resolveLoadOptions } from '../../../src/load/load-options.js';
import { readModelFiles } from '../../../src/load/load-plan.js';
import { decoderGguf, ggufBytes } from '../../support/gguf.js';
import { mmprojGguf, mmprojSizes } from '../../support/mmproj.js';

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llava-load-'));
  const file = (name: string, bytes: Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  afterAll(() => rmSync(folder, { recursive: true }));
  const decoder = file('decoder.gguf', ggufBytes(decoderGguf()));

  const mmproj = file('mmproj.gguf', ggufBytes(mmprojGguf()));

  it('that do not belong together are refused with both widths', async () => {
    const settings = resolveLoadOptions({ model: decoder, mmproj });
    await expect(readModelFiles(settings)).rejects.toMatchObject({
      ...{ code: 'ERR_MODEL_MISMATCH', mmprojEmbd: mmprojSizes.nProjection, modelEmbd: 8 },
    });
  });

  it('that are swapped are named as such', async () => {
    const settings = resolveLoadOptions({ model: mmproj, mmproj: decoder });
    await expect(readModelFiles(settings)).rejects.toMatchObject({
      ...{ code: 'ERR_MODEL_LOAD', message: expect.stringMatching(/expected the decoder/) },
    });
  });

  it('the decoder as mmproj is named as such', async () => {
    const settings = resolveLoadOptions({ model: decoder, mmproj: decoder });
    await expect(readModelFiles(settings)).rejects.toMatchObject({
      ...{ code: 'ERR_MODEL_LOAD', path: decoder, message: expect.stringMatching(/mmproj/) },
    });
  });

  it('load rejects for a missing file and for bad options, before it needs the addon', async () => {
    await expect(LlavaOneVision.load({ model: join(folder, 'none.gguf') })).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
    });
    await expect(LlavaOneVision.load({} as LoadOptions)).rejects.toMatchObject({
      ...{ code: 'ERR_INVALID_ARGUMENT', argument: 'model' },
    });
    await expect(
      LlavaOneVision.load({ model: decoder, signal: AbortSignal.abort('no') }),
    ).rejects.toBe('no');
  });
});
