/** What the trials of scaling run: the demo model's files, replicas of the server, programs of the system; all ended at the end. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { convert } from '../../dist/src/index.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = path.join(ROOT, 'dist/src/cli/main.js');
const LIMIT_MS = 60_000;

/** Undefined when it is not installed. */
export function find(program) {
  const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  return stdout.trim() || undefined;
}

export async function demoFiles(folder) {
  const checkpoint = path.join(ROOT, 'demo/checkpoint');
  const types = { outtype: 'f16', mmprojOuttype: 'f16' };
  await convert({ checkpoint, outdir: folder, name: 'demo', ...types });
  return {
    model: path.join(folder, 'demo-f16.gguf'),
    mmproj: path.join(folder, 'mmproj-demo-f16.gguf'),
  };
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const running = new Set();

/** @returns the child, with what it said in `said` */
export function start(program, args, env = {}) {
  const child = spawn(program, args.map(String), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  child.said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      child.said = (child.said + text).slice(-4000);
    });
  running.add(child);
  child.ended = once(child, 'exit').then(() => running.delete(child));
  return child;
}

/** @throws when it does not come true */
export async function until(isTrue, what) {
  const end = Date.now() + LIMIT_MS;
  for (;;) {
    if (await isTrue()) return;
    if (Date.now() > end) throw new Error(`${what} did not come within ${LIMIT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function startReplica({ model, mmproj }, flags = []) {
  const port = await freePort();
  const files = [model, '--mmproj', mmproj];
  const own = ['--port', port, '--alias', 'demo', '--threads', 1, '--context-size', 8192];
  const args = [MAIN, 'serve', ...files, ...own, '--log-level', 'error', ...flags];
  const child = start(process.execPath, args);
  await answers(`http://127.0.0.1:${port}/ready`, child);
  return { child, address: `127.0.0.1:${port}` };
}

export function answers(url, child) {
  return until(async () => {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`it ended: ${child.said}`);
    return fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  }, url);
}

export async function stopAll() {
  const children = [...running];
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
}
