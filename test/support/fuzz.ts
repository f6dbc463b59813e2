/** Random changes to files, the same for the same seed. */

/** How long a fuzz test runs, and from which seed: test/fuzz/run.mjs says. */
export const fuzzSeconds = Number(process.env.FUZZ_SECONDS ?? 5);
export const fuzzSeed = Number(process.env.FUZZ_SEED ?? 1);

/** What this process has computed, in milliseconds: other work of the machine does not count. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export { createRandom, mutate, type Random } from '../fuzz/mutate.mjs';
