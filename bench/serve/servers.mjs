// Servers as children: ours and llama-server on the same decoder file, started on free ports and ended with their pages.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../dist/src/cli/main.js');

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** @param flags of `serve` behind the model's */
export async function startOurs({ model, mmproj }, flags, env = {}) {
  const port = await freePort();
  const args = [MAIN, 'serve', model, '--mmproj', mmproj, '--port', port, ...flags];
  return started('ours', process.execPath, args, { port, env });
}

export async function startLlama(program, { model, mmproj }, flags) {
  const port = await freePort();
  const args = ['-m', model, '--mmproj', mmproj, '--port', port, '--host', '127.0.0.1', ...flags];
  return started('llama-server', program, args, { port });
}

/** @returns { name, base, child, stop } of one that answers /health */
async function started(name, program, args, { port, env = {} }) {
  const options = { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } };
  const child = spawn(program, args.map(String), options);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said = (said + text).slice(-2000);
  });
  const url = `http://127.0.0.1:${port}`;
  let failure;
  const ended = once(child, 'exit').catch((error) => {
    failure = error;
  });
  while (
    !(await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (failure || child.exitCode !== null || child.signalCode)
      throw new Error(`${name} ended: ${failure?.message ?? child.signalCode ?? said}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const stop = async () => {
    child.kill('SIGTERM');
    const hurry = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(hurry);
  };
  return { name, url, base: `${url}/v1`, child, stop };
}
