// The tests of what depends on the CPU, for scripts/test-cpus.mjs: in threads, since an emulated process cannot start
// another, and slow.
import { defineConfig } from 'vitest/config';

const MINUTES = 60_000;
const numeric = ['cpu', 'resize', 'feature-map', 'fuzz-rows', 'gguf-writer', 'sampler', 'tiles'];

export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts', ...numeric.map((name) => `test/addon/${name}.test.ts`)],
    // They watch the clock or the process's memory, which emulation distorts.
    exclude: ['test/unit/hub/pull*.test.ts', 'test/unit/eval/run.test.ts'],
    env: { LLAVAOV_EMULATED: '1' },
    pool: 'threads',
    maxWorkers: 1,
    testTimeout: 20 * MINUTES,
    hookTimeout: 20 * MINUTES,
    reporters: ['default'],
  },
});
