/** Files and pipes that a user names: read whole, within limits, and not waited for when the signal says so. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readInput } from '../../../src/files/read-input.js';
import { skipUnless } from '../../support/skip-unless.js';

const folder = mkdtempSync(join(tmpdir(), 'read-input-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasPipes = process.platform !== 'win32';
let nPipes = 0;
function pipe(): string {
  const path = join(folder, `pipe-${nPipes++}`);
  execFileSync('mkfifo', [path]);
  return path;
}

async function writeTo(path: string, ...texts: string[]): Promise<void> {
  const writer = await open(path, 'w');
  for (const text of texts) await writer.write(text);
  await writer.close();
}

it('reads files, none too large', async () => {
  const path = join(folder, 'file');
  writeFileSync(path, '{"ü":1}');
  expect(await readInput(path)).toBe('{"ü":1}');
  await expect(readInput(path, { maxBytes: 7 })).rejects.toThrow('8 bytes are more than');
  await expect(readInput(folder)).rejects.toThrow('found a folder');
  await expect(readInput(join(folder, 'none'))).rejects.toThrow('ENOENT');
});

describe('a pipe', skipUnless(hasPipes, 'needs pipes with names'), () => {
  it('is read to its end, whenever the writer comes', async () => {
    const path = pipe();
    const text = readInput(path);
    const long = 'x'.repeat(100_000);
    await Promise.all([writeTo(path, '{', long, '}'), text]);
    expect(await text).toBe(`{${long}}`);
  });

  it('may not be endless', async () => {
    const path = pipe();
    const text = expect(readInput(path, { maxBytes: 10 })).rejects.toThrow('longer than the 10');
    await writeTo(path, 'x'.repeat(20));
    await text;
  });

  it('that nobody writes to is left when the signal says so', async () => {
    const stop = new AbortController();
    const text = readInput(pipe(), { signal: stop.signal });
    setImmediate(() => stop.abort(new Error('enough')));
    await expect(text).rejects.toThrow('enough');
    await expect(readInput(pipe(), { signal: stop.signal })).rejects.toThrow('enough');
  });
});
