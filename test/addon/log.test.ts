import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { runChild } from '../support/child.js';
import {
  modelOptions,
  openDecoder,
  temporaryFolder,
  writeTinyDecoder,
} from '../support/tiny-decoder.js';

const folder = temporaryFolder();
const path = join(folder.path, 'tiny.gguf');
beforeAll(() => writeTinyDecoder(path));
afterAll(folder.remove);
afterEach(() => native().setLog('error', null));

/** Lines cross from the loading thread; they are all here once the event loop has turned. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

async function linesOf(level: string, work: () => Promise<unknown>) {
  const lines: { level: string; text: string }[] = [];
  native().setLog(level, (lineLevel, text) => lines.push({ level: lineLevel, text }));
  await work();
  await settled();
  return lines;
}

const open = async () => (await openDecoder(path)).dispose();
const fail = () =>
  native()
    .loadModel(modelOptions('/does/not/exist'), null, null)
    .catch(() => undefined);

it('is silent unless asked, even about errors', () => {
  const script = `
    const { context, pool, model } = await open();
    await longStep(context);
    await binding.loadModel({ ...modelOptions, path: '/does/not/exist' }, null, null).catch(() => {});
    for (const handle of [context, pool, model]) await handle.dispose();
    console.log('done');
  `;
  expect(runChild(script, path)).toMatchObject({ status: 0, stdout: 'done\n', stderr: '' });
});

it('passes on lines of the level and above', async () => {
  const info = await linesOf('info', open);
  expect(info.some(({ text }) => text.includes('n_ctx'))).toBe(true);
  expect(info.some(({ level }) => level === 'debug')).toBe(false);
  const debug = await linesOf('debug', open);
  expect(debug.some(({ level }) => level === 'debug')).toBe(true);
  expect(await linesOf('error', open)).toEqual([]);
  const errors = await linesOf('error', fail);
  expect(errors.length).toBeGreaterThan(0);
  expect(errors.every(({ level }) => level === 'error')).toBe(true);
});

it('stops when the callback is taken away or replaced', async () => {
  const first: string[] = [];
  native().setLog('debug', (_, text) => first.push(text));
  const second = await linesOf('error', fail);
  expect(first).toEqual([]);
  const count = second.length;
  native().setLog('error', null);
  await fail();
  await settled();
  expect(second.length).toBe(count);
});

it('refuses an unknown level and what is no function', () => {
  const error = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
  expect(() => native().setLog('loud', null)).toThrow(error);
  expect(() => native().setLog('info', 3 as never)).toThrow(error);
});

it('does not keep the process alive', () => {
  const script = `binding.setLog('debug', () => {}); await load();`;
  expect(runChild(script, path)).toMatchObject({ status: 0, stderr: '' });
});
