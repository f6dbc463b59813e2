import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Long files first, so that at the end no core waits for the last of them. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ project }: TestSpecification) => PROJECTS.indexOf(project.name);
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

/** By how long their files take. */
const PROJECTS = ['browser', 'parity', 'cli', 'addon', 'media', 'server', 'unit'];

/** One file at a time: these would measure each other, or want all of a device. */
const alone = (order: number) => ({ fileParallelism: false, sequence: { groupOrder: order } });

/** As an app names the package: examples do. */
const alias = [
  { find: /^llava-onevision$/, replacement: new URL('src/index.ts', import.meta.url).pathname },
];

/** Files share processes: to begin one takes longer than most files do. */
const together = { isolate: false, setupFiles: ['test/support/own-modules.ts'] };

const project = (name: string, options: object) => ({
  test: { name, pool: 'forks' as const, include: [`test/${name}/**/*.test.ts`], alias, ...options },
});

export default defineConfig({
  test: {
    globalSetup: 'test/support/converted-folder.ts',
    projects: [
      project('unit', { testTimeout: 60_000, hookTimeout: 60_000, ...together }),
      // Needs ffmpeg, and skips what this machine's ffmpeg cannot make.
      project('media', { testTimeout: 120_000, hookTimeout: 120_000 }),
      // Most of it on the toy model; the rest needs the addon.
      project('server', { testTimeout: 60_000, hookTimeout: 60_000, ...together }),
      // Needs chromium and the built page.
      project('browser', { testTimeout: 240_000, hookTimeout: 240_000 }),
      project('cli', { testTimeout: 120_000, hookTimeout: 120_000 }),
      project('addon', { testTimeout: 120_000, hookTimeout: 120_000, ...together }),
      project('parity', { testTimeout: 300_000, hookTimeout: 300_000 }),
      // Needs programs of its own, one for each instruction set: npm run test:kernels builds them.
      project('kernels', { testTimeout: 600_000, hookTimeout: 1_200_000, ...alone(3) }),
      // Needs a Vulkan device, so not part of npm test: npm run test:vulkan.
      project('vulkan', { testTimeout: 300_000, hookTimeout: 300_000, ...alone(1) }),
      // Needs libmtmd, so not part of npm test: npm run test:interop builds it.
      project('interop', { testTimeout: 300_000, hookTimeout: 300_000, ...alone(2) }),
    ],
    // All cores: vitest would leave one, of two, to itself. What tests compute takes one thread.
    maxWorkers: '100%',
    sequence: { sequencer: LongFirst },
    reporters: ['default', './scripts/tally-reporter.mjs'],
  },
});
