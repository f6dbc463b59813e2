/** Readers of untrusted files, given randomly changed ones: they answer or refuse, soon, and take little memory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { readImatrix } from '../../../src/convert/imatrix.js';
import { readSafetensors } from '../../../src/convert/safetensors.js';
import { LlavaError } from '../../../src/errors.js';
import { readDecoderFile } from '../../../src/gguf/decoder-file.js';
import { readLoraFile } from '../../../src/gguf/lora-file.js';
import { readVisionConfig } from '../../../src/vision/vision-config.js';
import { cpuMs, createRandom, fuzzSeconds, fuzzSeed, mutate } from '../../support/fuzz.js';
import { decoderGguf, ggufBytes } from '../../support/gguf.js';
import { binaryImatrix, ggufImatrix, someImportance } from '../../support/imatrix.js';
import { loraGguf } from '../../support/lora-gguf.js';
import { mmprojGguf } from '../../support/mmproj.js';
import { lmmsTensors, safetensorsBytes } from '../../support/safetensors.js';

const dir = mkdtempSync(join(tmpdir(), 'fuzz-'));
afterAll(() => rmSync(dir, { recursive: true }));

const importances = {
  'blk.0.ffn_up.weight': someImportance(32, 1),
  'output.weight': someImportance(8, 2),
};
const seeds: [name: string, bytes: Buffer, read: (path: string) => Promise<unknown>][] = [
  ['decoder', ggufBytes(decoderGguf()), readDecoderFile],
  ['mmproj', ggufBytes(mmprojGguf()), readVisionConfig],
  ['adapter', ggufBytes(loraGguf()), readLoraFile],
  ['safetensors', safetensorsBytes(lmmsTensors()), readSafetensors],
  ['imatrix', ggufImatrix(importances), readImatrix],
  ['old imatrix', binaryImatrix(importances), readImatrix],
];
/** All of these files are smaller than a megabyte. */
const MAX_MEMORY_GROWTH = 400e6;
const MAX_MS = 5000;

test('the files that are changed are good ones', async () => {
  for (const [name, bytes, read] of seeds) {
    writeFileSync(join(dir, name), bytes);
    await read(join(dir, name));
  }
});

test(
  'changed headers are read or refused',
  async () => {
    const random = createRandom(fuzzSeed);
    const outcomes = { read: 0, refused: 0 };
    const memory = process.memoryUsage.rss();
    const end = performance.now() + fuzzSeconds * 1000;
    // On a slow machine until something but one kind of file was tried.
    const isEnough = () => outcomes.refused > 50 && outcomes.read > 5;
    for (let i = 0; performance.now() < end || !isEnough(); i++) {
      const [name, original, read] = random.pick(seeds);
      const path = join(dir, name);
      const dataStart = name === 'safetensors' ? 8 + Number(original.readBigUInt64LE()) : 3000;
      const bytes = mutate(original, dataStart, random);
      writeFileSync(path, bytes);
      const what = () => `${name}, seed ${fuzzSeed}, change ${i}: ${bytes.toString('base64')}`;
      const startedAt = cpuMs();
      const error = await read(path).then(
        () => undefined,
        (reason) => reason,
      );
      if (cpuMs() - startedAt > MAX_MS) throw new Error(`slow: ${what()}`);
      if (error && !(error instanceof LlavaError)) throw new Error(what(), { cause: error });
      if (process.memoryUsage.rss() - memory > MAX_MEMORY_GROWTH)
        throw new Error(`large: ${what()}`);
      outcomes[error ? 'refused' : 'read']++;
    }
  },
  fuzzSeconds * 1000 + 60_000,
);
