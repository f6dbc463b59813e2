/**
 * Runs what docs/scaling.md shows, on this machine with the demo model: HAProxy before two replicas, BullMQ's workers with Redis, a
 * decoder over two RPC servers (`npm run test:scaling [-- NAME...]`). What is not installed is skipped, which the table says; status 1 when something failed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bullmqTrial } from './scaling/bullmq.mjs';
import { haproxyTrial } from './scaling/haproxy.mjs';
import { demoFiles, find, ROOT, stopAll } from './scaling/programs.mjs';
import { rpcTrial } from './scaling/rpc.mjs';

/** `get`: what to do where the program is not found. */
const TRIALS = [
  { name: 'haproxy', program: 'haproxy', get: 'apt-get install haproxy', run: haproxyTrial },
  {
    name: 'bullmq',
    program: 'redis-server',
    get: 'apt-get install redis-server',
    run: bullmqTrial,
  },
  {
    name: 'rpc',
    program: path.join(ROOT, 'build/Release/ggml-rpc-server'),
    get: 'npm run build:native -- --rpc',
    run: rpcTrial,
  },
];

const wanted = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), 'scaling-'));
const say = (name, text) => console.log(`${name.padEnd(10)}${text}`);
try {
  const files = await demoFiles(folder);
  for (const { name, program, get, run } of TRIALS) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const found = find(program);
    if (!found) {
      say(name, `skipped: there is no ${path.basename(program)} (${get})`);
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
