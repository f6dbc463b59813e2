/** Changes files and uses them, one after the other, and tells the parent (run.mjs) before and after each. */
import { writeFileSync } from 'node:fs';
import { makeKinds, TURNS } from './kinds.mjs';
import { createRandom } from './mutate.mjs';
import { DIST } from './seeds.mjs';

const { folder, seeds, seed, first, end, until, only, control } = JSON.parse(
  process.argv[2] ?? '{}',
);
const { LlavaError } = await import(`${DIST}index.js`);
const kinds = await makeKinds(folder, seeds);
const names = only ? [only] : TURNS;

/** What `run.mjs` has to notice; planted, so that silence means something. @type {Record<string, () => unknown>} */
const CONTROLS = {
  crash: () => process.abort(),
  assert: () => console.error('control.cpp:1: GGML_ASSERT(false) failed'),
  hang: () => new Promise((resolve) => setTimeout(resolve, 1e6)),
  memory: () => [1, 2].map(() => Buffer.alloc(2.3e9, 1)),
  error: () => {
    throw new TypeError('of no code');
  },
};

const send = (/** @type {object} */ message) =>
  new Promise((resolve) => process.send?.(message, resolve));

/** Ctrl-C ends it after the case under way. */
let isStopped = false;
process.once('SIGINT', () => {
  isStopped = true;
});
const isOver = () => isStopped || Date.now() >= until;

for (let index = first; index < end && (index === first || !isOver()); index++) {
  const random = createRandom(Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b));
  const name = random.pick(names);
  const kind = kinds[name];
  if (!kind) throw new Error(`no kind ${name}`);
  const { path, bytes } = kind.change(random);
  writeFileSync(path, bytes);
  await send({ begins: index, kind: name, path });
  /** @type {unknown} */
  let error;
  try {
    await (control ? CONTROLS[control]?.() : kind.use(path, random));
  } catch (caught) {
    error = caught;
  }
  const stranger = error !== undefined && !(error instanceof LlavaError);
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const problem = stranger ? `${error instanceof Error ? error.stack : error}` : undefined;
  await send({ ended: index, outcome: error ? 'refused' : 'read', problem, peakBytes });
}
process.disconnect();
