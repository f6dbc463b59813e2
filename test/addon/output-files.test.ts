/** How files come to be: parts, checksums, checking, and names that only ever hold whole files. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { convert } from '../../src/convert/convert.js';
import type { GgufPlan } from '../../src/convert/gguf-plan.js';
import { writeOutputs } from '../../src/convert/output-files.js';
import { quantize } from '../../src/convert/quantize.js';
import { checkGguf } from '../../src/convert/write-gguf.js';
import { readDecoderFile } from '../../src/gguf/decoder-file.js';
import { readGguf } from '../../src/gguf/reader.js';

const checkpoint = join(import.meta.dirname, '../../demo/checkpoint');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'output-files-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Two tensors of f32 whose source is a file of counting floats. */
function somePlan(): GgufPlan {
  const file = join(dir, 'source');
  writeFileSync(
    file,
    Buffer.from(Float32Array.from({ length: 3 << 20 }, (_, i) => i % 251).buffer),
  );
  const tensor = (name: string, shape: number[], offset: number) => {
    const bytes = shape.reduce((a, b) => a * b, 4);
    return { name, shape, type: 'f32', source: { name, file, type: 'f32', shape, offset, bytes } };
  };
  const tensors = [tensor('a', [1024, 2048], 0), tensor('b', [1024, 1000], 8 << 20)];
  return { entries: [{ key: 'k', type: 'string', value: 'v' }], tensors, notes: [] };
}

const options = { binding: native(), onRows: () => {} };

describe('parts', () => {
  test('hold whole tensors, are named as llama.cpp names them, and open as one', async () => {
    const common = { checkpoint, outtype: 'f16', name: 'demo' } as const;
    const whole = await convert({ ...common, outdir: join(dir, 'whole') });
    const split = await convert({
      ...common,
      outdir: join(dir, 'split'),
      splitMaxSize: 1_000_000,
      checksum: true,
      verify: true,
    });
    const { parts } = split.model;
    const n = String(parts!.length).padStart(5, '0');
    expect(parts!.length).toBeGreaterThan(3);
    parts!.forEach(({ path, sha256: stated }, i) => {
      expect(path).toBe(join(dir, `split/demo-f16-${String(i + 1).padStart(5, '0')}-of-${n}.gguf`));
      expect(stated).toBe(sha256(path));
    });
    expect(split.model.path).toBe(parts![0]!.path);
    const [a, b] = [
      await readDecoderFile(whole.model.path),
      await readDecoderFile(split.model.path),
    ];
    const own = { path: '', gguf: null, checked: null };
    expect({ ...b, ...own }).toEqual({ ...a, ...own });
    for (const { path } of parts!) {
      const { tensors } = await readGguf(path);
      const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
      expect(tensors.length === 1 || bytes <= 1_000_000).toBe(true);
    }
    expect(readdirSync(join(dir, 'split'))).toHaveLength(parts!.length + 1);
  });

  test('of a former cutting go, with their checksums; other files and what is read stay', async () => {
    const outdir = join(dir, 'out');
    const names = () => readdirSync(outdir).filter((name) => !name.startsWith('mmproj'));
    const make = (splitMaxSize?: number, name = 'demo') =>
      convert({
        checkpoint,
        outdir,
        name,
        checksumFiles: true,
        ...(splitMaxSize && { splitMaxSize }),
      });
    await make(1_000_000, 'demo-f16-other');
    const others = names();
    const many = await make(1_000_000);
    const few = await make(3_000_000);
    const paths = few.model.parts!.map(({ path }) => basename(path));
    expect(paths.length).toBeLessThan(many.model.parts!.length);
    expect(names()).toEqual([...others, ...paths, `${paths[0]}.sha256`].sort());
    // Each part says which conversion it is of.
    for (const { path } of few.model.parts!) {
      const { metadata } = await readGguf(path);
      expect(metadata.get('general.source.sha256')).toMatch(/^(?!0{64})[0-9a-f]{64}$/);
      expect(metadata.get('general.file_type')).toBe(1);
    }
    const whole = ['demo-f16.gguf', 'demo-f16.gguf.sha256'];
    const joined = await quantize({
      ...{ file: few.model.path, outtype: 'f16', outfile: join(outdir, 'demo-f16.gguf') },
      checksumFiles: true,
    });
    expect(names()).toEqual([...others, ...paths, `${paths[0]}.sha256`, ...whole].sort());
    await make();
    expect(names()).toEqual([...others, ...whole].sort());
    expect(joined.tensors).toBe(few.model.tensors);
  });

  test.each([0, -1, 1.5, Number.NaN, '2G'])('a size of %s is refused', async (splitMaxSize) => {
    const bad = { checkpoint, outdir: dir, splitMaxSize: splitMaxSize as number };
    await expect(convert(bad)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'splitMaxSize',
    });
  });
});

describe('checking', () => {
  test('finds a byte changed anywhere: header, tensors, length', async () => {
    const plan = somePlan();
    const path = join(dir, 'file.gguf');
    await writeOutputs([{ path, plan }], { binding: native() });
    await checkGguf(path, plan, options);
    const { tensors } = await readGguf(path);
    const original = readFileSync(path);
    const cases: [number, RegExp][] = [
      [30, /its header/],
      [tensors[0]!.offset + 4_000_001, /tensor 'a'/],
      [tensors[1]!.offset, /tensor 'b'/],
      [original.length - 1, /tensor 'b'/],
    ];
    for (const [position, message] of cases) {
      const changed = Buffer.from(original);
      changed[position]! ^= 1;
      writeFileSync(path, changed);
      await expect(checkGguf(path, plan, options)).rejects.toThrow(message);
    }
    for (const changed of [original.subarray(0, -9), Buffer.concat([original, Buffer.alloc(1)])]) {
      writeFileSync(path, changed);
      await expect(checkGguf(path, plan, options)).rejects.toMatchObject({ code: 'ERR_WRITE' });
    }
    expect(existsSync(path)).toBe(true);
  });

  test('finds a source that has changed', async () => {
    const plan = somePlan();
    const path = join(dir, 'file.gguf');
    await writeOutputs([{ path, plan }], { binding: native(), verify: true });
    const source = openSync(join(dir, 'source'), 'r+');
    writeSync(source, Buffer.of(7), 0, 1, 9 << 20);
    await expect(checkGguf(path, plan, options)).rejects.toThrow(/tensor 'b'/);
  });
});

test('the checksum is that of the file', async () => {
  const plan = somePlan();
  const path = join(dir, 'file.gguf');
  const [written] = await writeOutputs([{ path, plan }], { binding: native(), checksum: true });
  expect(written!.sha256).toBe(sha256(path));
});

describe('a full disk', () => {
  /** A file system of one megabyte; only root can have it. */
  function mountSmall(folder: string): boolean {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
    mkdirSync(folder);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }

  test('is said, and leaves what was there', async (context) => {
    const small = join(dir, 'small');
    context.skip(!mountSmall(small), 'needs a small file system, which takes root');
    try {
      writeFileSync(join(small, 'k-f16.gguf'), 'earlier');
      await expect(convert({ checkpoint, outdir: small, name: 'k' })).rejects.toMatchObject({
        code: 'ERR_WRITE',
        path: expect.stringContaining(small),
        message: expect.stringContaining('No space left'),
      });
      expect(readdirSync(small)).toEqual(['k-f16.gguf']);
      expect(readFileSync(join(small, 'k-f16.gguf'), 'utf8')).toBe('earlier');
    } finally {
      execFileSync('umount', [small]);
    }
  });
});

// test/cli/convert.test.ts kills real ones.
test('what a process that was killed has left goes with the next conversion', async () => {
  const outdir = join(dir, 'out');
  mkdirSync(outdir);
  // A process id that cannot be running, and one that is.
  const [dead, alive] = ['4194305', process.pid].map((pid) => `.k-f16.gguf.${pid}-0a1b2c3d.tmp`);
  for (const name of [dead!, alive!]) writeFileSync(join(outdir, name), 'partial');
  for (const outtype of ['f16', 'f32'] as const)
    await convert({ checkpoint, outdir, name: 'k', outtype });
  expect(readdirSync(outdir).sort()).toEqual(
    [alive, 'k-f16.gguf', 'k-f32.gguf', 'mmproj-k-f16.gguf'].sort(),
  );
});
