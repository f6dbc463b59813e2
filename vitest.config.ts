import { defineConfig } from 'vitest/config';

/** Tests that compute run one file at a time: they would measure each other. */
const alone = (order: number) => ({ fileParallelism: false, sequence: { groupOrder: order } });

const project = (name: string, options: object) => ({
  test: { name, pool: 'forks' as const, include: [`test/${name}/**/*.test.ts`], ...options },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', {}),
      // Needs ffmpeg, and skips what this machine's ffmpeg cannot make.
      project('media', { testTimeout: 120_000, hookTimeout: 120_000 }),
      project('cli', { testTimeout: 60_000, ...alone(1) }),
      project('addon', { testTimeout: 120_000, hookTimeout: 120_000, ...alone(2) }),
      project('parity', { testTimeout: 300_000, hookTimeout: 300_000, ...alone(3) }),
      // Needs programs of its own, one for each instruction set: npm run test:kernels builds them.
      project('kernels', { testTimeout: 600_000, hookTimeout: 300_000, ...alone(6) }),
      // Needs a Vulkan device, so not part of npm test: npm run test:vulkan.
      project('vulkan', { testTimeout: 300_000, hookTimeout: 300_000, ...alone(5) }),
      // Needs libmtmd, so not part of npm test: npm run test:interop builds it.
      project('interop', { testTimeout: 300_000, hookTimeout: 300_000, ...alone(4) }),
    ],
    reporters: ['default', './scripts/tally-reporter.mjs'],
  },
});
