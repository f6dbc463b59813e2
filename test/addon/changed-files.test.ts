/** Model files that change between their check and their use, or while they are used: an error, never the end of the process. */
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backendFor } from '../../src/addon/load-addon.js';
import { LlavaOneVision, quantize } from '../../src/index.js';
import { loadEngine } from '../../src/load/load-engine.js';
import { resolveLoadOptions } from '../../src/load/load-options.js';
import { planLoad, readModelFiles } from '../../src/load/load-plan.js';
import { runChild } from '../support/child.js';
import { temporaryFolder, writeTinyDecoder } from '../support/tiny-decoder.js';

const folder = temporaryFolder();
const good = join(folder.path, 'good.gguf');
const path = join(folder.path, 'model.gguf');
beforeAll(() => writeTinyDecoder(good));
afterAll(folder.remove);

/** @param change what happens to the file when it has been checked */
async function load(change: () => void): Promise<void> {
  copyFileSync(good, path);
  const settings = resolveLoadOptions({ model: path, contextSize: 64, threads: 1, backend: 'cpu' });
  const files = await readModelFiles(settings);
  change();
  const addon = backendFor('cpu');
  const plan = planLoad(files, settings, addon);
  await (await loadEngine(files, plan, { settings, binding: addon.binding })).dispose();
}

describe('a decoder that was checked', () => {
  it('is loaded', () => load(() => {}));

  it.each<[string, () => void]>([
    ['written over', () => writeFileSync(path, 'GGUF')],
    [
      'replaced',
      () => {
        copyFileSync(good, `${path}.new`);
        renameSync(`${path}.new`, path);
      },
    ],
  ])('and then %s is refused', async (_, change) => {
    const error = { code: 'ERR_MODEL_LOAD', path, message: expect.stringContaining('has changed') };
    await expect(load(change)).rejects.toMatchObject(error);
  });
});

it('a split decoder is loaded from the files that were checked', async () => {
  const outfile = join(folder.path, 'split.gguf');
  const file = await quantize({ file: good, outtype: 'f16', outfile, splitMaxSize: 30_000 });
  expect(file.parts!.length).toBeGreaterThan(1);
  await using model = await LlavaOneVision.load({ model: file.path, contextSize: 64, threads: 1 });
  expect(model.info.layers).toBe(2);
});

describe.skipIf(process.platform !== 'linux')('a mapped decoder that is cut short', () => {
  const script = (then: string) => `
    import { truncateSync } from 'node:fs';
    const { context } = await open();
    ${then}
  `;
  const cut = (then: string) => {
    copyFileSync(good, path);
    return runChild(script(then), path);
  };

  it('fails what it is used for', () => {
    const { stdout, signal } = cut(`
      truncateSync(path, 4096);
      for (let i = 0; i < 2; i++)
        await longStep(context).catch(({ code }) => console.log(code));
      const again = await load().catch(({ code }) => console.log(code));
    `);
    expect({ stdout, signal }).toEqual({
      stdout: 'ERR_MODEL_LOAD\nERR_MODEL_LOAD\nERR_MODEL_LOAD\n',
      signal: null,
    });
  });

  it('leaves other bus errors as they are', () => {
    const { signal } = cut(`process.kill(process.pid, 'SIGBUS'); await longStep(context);`);
    expect(signal).toBe('SIGBUS');
  });
});
