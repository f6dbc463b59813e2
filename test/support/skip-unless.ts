/**
 * Tests of what a machine may lack: skipped there, with a word on why, which the end of the run lists
 * (scripts/tally-reporter.mjs).
 *
 *   describe('a clip file', skipUnless(hasFfmpeg, 'needs ffmpeg'), () => …)
 */
declare module 'vitest' {
  interface TaskMeta {
    skipped?: string;
  }
}

/** Options of a test or a block. */
export const skipUnless = (isThere: unknown, reason: string) =>
  isThere ? {} : { skip: true, meta: { skipped: reason } };

/** Options of a test of the memory that the system gives, refuses and gets back. */
export const memoryTest = skipUnless(
  !process.env.ASAN_OPTIONS,
  'sanitizers have their own memory functions',
);
