/** Allocations that the system refuses, in a process that has limited itself: an error with the numbers, never an abort. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';
import { memoryTest, skipUnless } from '../support/skip-unless.js';
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

/** Runs `work` of a script with room for `extra` bytes more, and gives what it prints. */
function runLimited(extra: number, work: string): unknown {
  const script = `
    import { spawnSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    // Every thread of the pool has its stack and its arena by now.
    const vocabulary = { ...modelOptions, vocabOnly: true };
    const [model] = await Promise.all(
      Array.from({ length: 8 }, () => binding.loadModel(vocabulary, null, null)),
    );
    const limit = () => {
      const [, size] = /VmSize:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
      spawnSync('prlimit', ['--pid', String(process.pid), '--as=' + (size * 1024 + ${extra})]);
    };
    const caught = (error) => ({ ...error, message: error.message });
    ${work}
  `;
  const { status, stdout, stderr } = runChild(script, path);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

const MiB = 2 ** 20;

/** Only there can the address space of a running process be limited. */
const onLinux = { ...skipUnless(process.platform === 'linux', 'needs Linux'), ...memoryTest };

describe('memory is refused for', onLinux, () => {
  it('weights', () => {
    const work = `
      limit();
      const options = { ...modelOptions, mmap: false };
      console.log(JSON.stringify(await binding.loadModel(options, null, null).catch(caught)));
    `;
    const error = runLimited(LAYER_BYTES, work) as { needed: number };
    expect(error).toEqual({
      ...{ code: 'ERR_OUT_OF_MEMORY', needed: expect.any(Number), available: expect.any(Number) },
      message: expect.stringMatching(/No memory to load .*wide.gguf: .*CPU has \d+ of \d+ MB free/),
    });
    expect(error.needed).toBeGreaterThan(2 * LAYER_BYTES);
  });

  it('threads', () => {
    const work = `
      limit();
      try {
        new binding.ThreadPool(512);
      } catch (error) {
        console.log(JSON.stringify(caught(error)));
      }
      await new binding.ThreadPool(2).dispose();
    `;
    expect(runLimited(512 * MiB, work)).toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
  });

  it('a call that does its work at once', () => {
    const work = `
      const text = 'a'.repeat(${64 * MiB});
      limit();
      try {
        model.tokenize(text);
      } catch (error) {
        console.log(JSON.stringify(caught(error)));
      }
    `;
    expect(runLimited(200 * MiB, work)).toEqual({ message: expect.stringContaining('bad_alloc') });
  });
});
