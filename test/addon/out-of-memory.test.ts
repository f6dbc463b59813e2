/** Allocations that the system refuses, in a process that has limited itself: an error with the numbers, never an abort. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runChild } from '../support/child.js';
import { temporaryFolder, writeTinyDecoder } from '../support/tiny-decoder.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const path = join(folder.path, 'wide.gguf');
const NFFN = 1 << 17;
const LAYER_BYTES = NFFN * 64 * 4 * 3;
beforeAll(async () => {
  const fill = (_: string, shape: number[]) => new Float32Array(shape.reduce((a, b) => a * b, 1));
  await writeTinyDecoder(path, { sizes: { nFfn: NFFN }, fill });
});

/** Only Linux limits the address space of a running process. */
it.skipIf(process.platform !== 'linux')('weights that memory is refused for', () => {
  const script = `
    import { spawnSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    // Every thread of the pool has its stack and its arena by now.
    const vocabulary = { ...modelOptions, vocabOnly: true };
    await Promise.all(Array.from({ length: 8 }, () => binding.loadModel(vocabulary, null, null)));
    const [, size] = /VmSize:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    const limit = Number(size) * 1024 + ${LAYER_BYTES};
    spawnSync('prlimit', ['--pid', String(process.pid), '--as=' + limit]);
    const { code, needed, available, message } = await binding
      .loadModel({ ...modelOptions, mmap: false }, null, null)
      .catch((error) => error);
    console.log(JSON.stringify({ code, needed, available, message }));
  `;
  const { status, stdout, stderr } = runChild(script, path);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({
    ...{ code: 'ERR_OUT_OF_MEMORY', needed: expect.any(Number), available: expect.any(Number) },
    message: expect.stringMatching(/No memory to load .*wide.gguf: .*CPU has \d+ of \d+ MB free/),
  });
  expect(JSON.parse(stdout).needed).toBeGreaterThan(2 * LAYER_BYTES);
});
