/** Threads that wait for others leave the core to them: our patch of llama.cpp (scripts/build/patches/waiting-threads.patch). */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { runChild } from '../support/child.js';
import { temporaryFolder, writeTinyDecoder } from '../support/tiny-decoder.js';

const folder = temporaryFolder();
const path = join(folder.path, 'tiny.gguf');
beforeAll(() => writeTinyDecoder(path));
afterAll(() => folder.remove());

const hasTaskset = spawnSync('taskset', ['--version']).status === 0;

it('the addon says that it has the patch', () => {
  expect(native().buildInfo().waitingThreadsSleep).toBe(true);
});

it.skipIf(!hasTaskset)('take microseconds of a core that they share, not time slices', () => {
  const script = `
    const model = await load();
    const pool = new binding.ThreadPool(4);
    const context = await binding.createContext(model, pool, { ...contextOptions, nCtx: 512 });
    const step = (position) =>
      context.step([{ sequence: 0, position, data: new Int32Array(1), sampler: null }]);
    await step(0);
    const before = process.cpuUsage();
    for (let i = 1; i <= 20; i++) await step(i);
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 20);
  `;
  const cpu = /Cpus_allowed_list:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
  const { stdout, stderr } = runChild(script, path, { wrapper: ['taskset', '-c', cpu] });
  expect(stderr).toBe('');
  // Some 50 times per token all wait for all. A time slice is milliseconds: three that spin take some 400 ms per token.
  expect(Number(stdout)).toBeLessThan(60_000);
});
