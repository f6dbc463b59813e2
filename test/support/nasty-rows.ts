/** Nasty numbers through types and searches of ggml's, some of which abort the process when surprised. */
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { ggmlTypeByName } from '../../src/gguf/ggml-types.js';
import { createRandom, fuzzSeconds, fuzzSeed, type Random } from './fuzz.js';

/** What a round of every type takes on an emulated CPU, at most (scripts/test-cpus.mjs). */
const EMULATED_MS = 1_200_000;

/** In memory where that can be had: every round syncs two files. */
const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const path = join(folder, `nasty-rows-${process.pid}.gguf`);
afterAll(() => rmSync(path, { force: true }));

const VALUES: ((random: Random, i: number) => number)[] = [
  () => 0,
  () => -0,
  () => 1e-30,
  () => 1e-40,
  (_, i) => (i % 2 ? 65504 : -65504),
  (_, i) => (i === 7 ? 65504 : 0),
  (_, i) => (i === 200 ? -1e-7 : 0),
  (random) => random.below(2001) - 1000,
  (random) => (random.below(2001) - 1000) * 1e-6,
  (random) => 10 ** (random.below(50) - 45) * (random.below(2) ? 1 : -1),
  (random) => (random.below(50) ? 1 : Number.NaN),
  (random) => (random.below(50) ? 0.25 : Number.NEGATIVE_INFINITY),
  () => 0.02,
];
const IMPORTANCES: ((random: Random, i: number) => number)[] = [
  () => 1e-20,
  () => 1e12,
  () => 1,
  (_, i) => (i % 32 < 31 ? 1e-20 : 1e12),
  (random) => 10 ** (random.below(32) - 20 + 0.001),
];

const PLAIN =
  'f16 bf16 q4_0 q4_1 q5_0 q5_1 q8_0 q2_K q3_K q4_K q5_K q6_K iq4_nl iq4_xs tq1_0 tq2_0 q1_0 q2_0'.split(
    ' ',
  );
/** ggml first makes tables for these, once a process, which takes most of half a minute. */
const WITH_TABLES = 'iq1_s iq1_m iq2_xxs iq2_xs iq2_s iq3_xxs iq3_s'.split(' ');
const TYPES = { plain: PLAIN, 'with tables': WITH_TABLES, all: [...PLAIN, ...WITH_TABLES] };

export function testNastyRows(which: keyof typeof TYPES, seconds = fuzzSeconds): void {
  const types = TYPES[which];

  test(
    `rows of nasty numbers become something of every type (${which}), the same on any number of threads`,
    async () => {
      const random = createRandom(fuzzSeed);
      const end = performance.now() + seconds * 1000;
      for (let round = 0; round < types.length || performance.now() < end; round++) {
        const type = types[round % types.length]!;
        const width = 256 * (1 + random.below(3));
        const nRows = 1 + random.below(4);
        const rows = new Float32Array(width * nRows);
        for (let block = 0; block < rows.length; block += 64) {
          const value = random.pick(VALUES);
          for (let i = 0; i < 64; i++) rows[block + i] = value(random, block + i);
        }
        const weigh = random.pick(IMPORTANCES);
        const importance = Float32Array.from({ length: width }, (_, i) => weigh(random, i));
        const limit = type === 'bf16' ? Number.POSITIVE_INFINITY : 65520;
        const nBad = rows.filter((value) => !(Math.abs(value) < limit)).length;
        const isWeighed = /^iq[12]/.test(type) || random.below(2) === 1;
        const write = async (threads: number, mode: 'write' | 'check') => {
          const writer = new (native().GgufWriter)(path, threads, mode);
          writer.addTensor('t', type, [width, nRows]);
          await writer.begin();
          const bad = await writer.write(
            'f32',
            new Uint8Array(rows.buffer),
            isWeighed ? importance : null,
          );
          await writer.finish();
          await writer.dispose();
          return bad;
        };
        expect(await write(1, 'write'), `${type}, seed ${fuzzSeed}, round ${round}`).toBe(nBad);
        await write(3, 'check');
      }
      expect(types.every((type) => ggmlTypeByName(type))).toBe(true);
    },
    seconds * 1000 + EMULATED_MS,
  );
}
