/**
 * Runs what docs/scaling.md shows, on this machine with the demo model: HAProxy before two replicas, BullMQ's workers with Redis
 * (`npm run test:scaling [-- NAME...]`). What is not installed is skipped, which the table says; status 1 when something failed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bullmqTrial } from './scaling/bullmq.mjs';
import { haproxyTrial } from './scaling/haproxy.mjs';
import { demoFiles, find, stopAll } from './scaling/programs.mjs';

const TRIALS = [
  { name: 'haproxy', program: 'haproxy', run: haproxyTrial },
  { name: 'bullmq', program: 'redis-server', run: bullmqTrial },
];

const wanted = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), 'scaling-'));
const say = (name, text) => console.log(`${name.padEnd(10)}${text}`);
try {
  const files = await demoFiles(folder);
  for (const { name, program, run } of TRIALS) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const found = find(program);
    if (!found) {
      say(name, `skipped: ${program} is not installed (apt-get install ${program})`);
      continue;
    }
    try {
      await run(files, found, folder);
      say(name, 'passed');
    } catch (error) {
      process.exitCode = 1;
      say(name, `FAILED: ${error.stack}`);
    } finally {
      await stopAll();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
