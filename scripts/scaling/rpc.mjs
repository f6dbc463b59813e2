/** The demo model's layers on two servers of ggml's remote backend: answers and probabilities as on this machine alone; a server that
 *  is gone is an error before a load, and one that is lost while it is used ends the process, as docs/scaling.md says. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { LlavaOneVision } from '../../dist/src/index.js';
import { freePort, ROOT, start, until } from './programs.mjs';

const image = path.join(ROOT, 'demo/pictures/shape-2.png');
const TEXTS = ['Describe the image.', 'What color is the shape?', 'Where is the shape?'];
/** Without flash attention, which llama.cpp's kernels on a CPU, as the servers' are, add up in f16. */
const SETTINGS = { threads: 1, contextSize: 2048, flashAttention: 'off', kvType: 'f32' };
/** Of log-probabilities: products of f16 weights are rounded in another order. */
const TOLERANCE = 0.02;

export async function rpcTrial(files, program) {
  const servers = [await startServer(program), await startServer(program)];
  const rpcServers = servers.map(({ endpoint }) => endpoint);
  const local = await answer({ ...files, ...SETTINGS, gpuLayers: 0 });
  const remote = await answer({ ...files, ...SETTINGS, rpcServers });
  const { layers, gpuLayers, memory } = remote.info;
  assert.equal(gpuLayers, layers + 1, 'all layers are remote');
  assert.equal(memory.devices.filter((device) => device.layers > 0).length, 2);
  assert.deepEqual(remote.texts, local.texts);
  const off = local.logprobs.map((logprob, i) => Math.abs(logprob - remote.logprobs[i]));
  assert.ok(Math.max(...off) < TOLERANCE, `log-probabilities differ by ${Math.max(...off)}`);
  console.log(`          ${off.length} tokens, log-probabilities within ${Math.max(...off)}`);
  await loses(servers[1], { ...files, ...SETTINGS, rpcServers });
}

async function startServer(program) {
  const port = await freePort();
  const child = start(program, ['--host', '127.0.0.1', '--port', port, '--threads', 1]);
  await until(() => isOpen(port), program);
  return { child, endpoint: `127.0.0.1:${port}` };
}

async function isOpen(port) {
  const socket = connect(port, '127.0.0.1');
  const opened = once(socket, 'connect').then(
    () => true,
    () => false,
  );
  return opened.finally(() => socket.destroy());
}

/** Of two models, the second on servers that the first has in use. */
async function answer(options) {
  const models = [await LlavaOneVision.load(options), await LlavaOneVision.load(options)];
  const texts = [];
  const logprobs = [];
  for (const [i, text] of TEXTS.entries()) {
    const content = [
      { type: 'image', image },
      { type: 'text', text },
    ];
    const stream = models[i % 2].chat([{ role: 'user', content }], {
      ...{ maxTokens: 24, topLogprobs: 1 },
    });
    for await (const { logprob } of stream) logprobs.push(logprob);
    texts.push((await stream.result).text);
  }
  const { info } = models[0];
  for (const model of models) await model.dispose();
  return { texts, logprobs, info };
}

async function loses({ child }, options) {
  const user = start(process.execPath, ['--input-type=module', '--eval', USER], {
    OPTIONS: JSON.stringify(options),
  });
  await until(() => user.said.includes('loaded') || user.exitCode !== null, 'a load');
  child.kill('SIGKILL');
  await child.ended;
  await user.ended;
  assert.equal(user.signalCode, 'SIGABRT', user.said);
  await assert.rejects(LlavaOneVision.load(options), { code: 'ERR_BACKEND_UNAVAILABLE' });
}

const USER = `
import { LlavaOneVision } from ${JSON.stringify(new URL('../../dist/src/index.js', import.meta.url))};
const model = await LlavaOneVision.load(JSON.parse(process.env.OPTIONS));
console.log('loaded');
for (;;) await model.chat([{ role: 'user', content: 'Hello' }], { maxTokens: 8 }).result;
`;
