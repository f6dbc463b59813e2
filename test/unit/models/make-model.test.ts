/** Converting into the cache while the disk fills up, while others are at it, and after some were killed. */

import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { convert } from '../../../src/convert/convert.js';
import { convertShards } from '../../../src/convert/convert-shards.js';
import { LlavaError } from '../../../src/errors.js';
import { writeError } from '../../../src/files/whole-file.js';
import { makeModel } from '../../../src/models/make-model.js';
import { cacheFolder } from '../../../src/models/model-cache.js';
import { tidyModels } from '../../../src/models/remove-models.js';
import { listUnfinished, removeUnfinished } from '../../../src/models/unfinished.js';

vi.mock('../../../src/convert/convert.js');
vi.mock('../../../src/convert/convert-shards.js');

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'make-model-'));
  vi.stubEnv('LLAVA_ONEVISION_CACHE', cache);
  vi.mocked(convert)
    .mockReset()
    .mockImplementation(async ({ outdir, name, outtype }) => {
      mkdirSync(outdir, { recursive: true });
      const path = (file: string) => {
        writeFileSync(join(outdir, file), name!);
        return { path: join(outdir, file), bytes: 1, tensors: 1, parameters: 1 };
      };
      const [model, mmproj] = [path(`${name}-${outtype}.gguf`), path(`mmproj-${name}-f16.gguf`)];
      return { model, mmproj, documents: [], dialect: 'llava-next', durationMs: 1, notes: [] };
    });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
});

const source = {
  ...{ group: 'demo', key: 'k-c1', name: 'demo', label: 'demo' },
  origin: { kind: 'demo' } as const,
};
const folder = () => join(cache, 'models/demo/k-c1');
const make = (options = {}) =>
  makeModel(source, { checkpoint: 'x', type: 'f16', isDefault: true, needed: 1, ...options });
const FILES = ['demo-f16.gguf', 'demo-f16.json', 'mmproj-demo-f16.gguf'];

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
/** Of a process that cannot be. */
const GONE = `${HOST}-99999999-00000000`;
const ELSEWHERE = 'ffffffff-1-00000000';

test('several at once convert once', async () => {
  const entries = await Promise.all([make(), make(), make()]);
  expect(new Set(entries.map(({ note }) => note)).size).toBe(1);
  expect(convert).toHaveBeenCalledTimes(1);
  expect(readdirSync(folder()).sort()).toEqual(FILES);
});

test('another type shares the mmproj', async () => {
  const { mtime } = { mtime: (await make()).lastUsed };
  expect(mtime).toBeInstanceOf(Date);
  writeFileSync(join(folder(), 'mmproj-demo-f16.gguf'), 'in use');
  await make({ type: 'q8_0', isDefault: false });
  expect(readdirSync(folder())).toHaveLength(5);
  const { bytes } = await make();
  expect(bytes).toBe('demo'.length + 'in use'.length);
});

describe('what others have left', () => {
  const leave = (id: string, ageMs = 0) => {
    mkdirSync(join(folder(), `${id}.new`), { recursive: true });
    writeFileSync(join(folder(), 'demo-f16.lock'), id);
    const time = new Date(Date.now() - ageMs);
    for (const name of [`${id}.new`, 'demo-f16.lock']) utimesSync(join(folder(), name), time, time);
  };

  test.each([
    ['a process that is gone', GONE, 0],
    ['a process of another machine that says nothing', ELSEWHERE, 60_000],
  ])('%s is taken over', async (_, id, age) => {
    leave(id, age);
    await make();
    expect(readdirSync(folder()).sort()).toEqual(FILES);
  });

  test('one that is at it is waited for, and said', async () => {
    leave(ELSEWHERE);
    const stop = new AbortController();
    const onWait = vi.fn(() => stop.abort(new Error('enough')));
    await expect(make({ onWait, signal: stop.signal })).rejects.toThrow('enough');
    expect(onWait).toHaveBeenCalledTimes(1);
    expect(convert).not.toHaveBeenCalled();
    expect(existsSync(join(folder(), `${ELSEWHERE}.new`))).toBe(true);
  });
});

describe('weights file by file', () => {
  const weights = { largest: async () => 0, lend: () => async () => {}, readHeader: vi.fn() };
  const PAIR = ['demo-f16.gguf', 'mmproj-demo-f16.gguf'];
  const unfinished = (id: string) => join(folder(), `demo-f16.${id}.unfinished`);
  const leave = (id: string, names: string[]) => {
    mkdirSync(unfinished(id), { recursive: true });
    for (const name of names) writeFileSync(join(unfinished(id), name), id);
  };
  /** What each call found. */
  let found: string[][];
  const work = async ({ outdir }: { outdir: string }) => {
    found.push(existsSync(outdir) ? readdirSync(outdir).sort() : []);
    mkdirSync(outdir, { recursive: true });
    for (const name of PAIR) writeFileSync(join(outdir, name), 'x');
    return { model: join(outdir, PAIR[0]!), mmproj: join(outdir, PAIR[1]!) };
  };
  beforeEach(() => {
    found = [];
    vi.mocked(convertShards).mockReset().mockImplementation(work);
  });

  test.each([
    ['are gone on with', PAIR, PAIR],
    ['begin anew without the tower, which went with another type', [PAIR[0]!], []],
  ])('files of a process that is gone %s', async (_, left, expected) => {
    leave(GONE, left);
    leave(ELSEWHERE, []);
    await make({ weights });
    expect(found).toEqual([expected]);
    expect(readdirSync(folder()).sort()).toEqual(FILES);
  });

  test('one that was taken over touches nothing, waits, and goes on where the other stopped', async () => {
    const lock = join(folder(), 'demo-f16.lock');
    vi.mocked(convertShards).mockImplementationOnce(async ({ outdir }) => {
      await work({ outdir });
      renameSync(outdir, unfinished(ELSEWHERE));
      writeFileSync(lock, ELSEWHERE);
      throw writeError(outdir, Object.assign(new Error('ENOENT'), { code: 'ENOENT' }));
    });
    const onWait = vi.fn(() => rmSync(lock, { force: true }));
    await make({ weights, onWait });
    expect(onWait).toHaveBeenCalled();
    expect(found).toEqual([[], PAIR]);
    expect(readdirSync(folder()).sort()).toEqual(FILES);
  });

  test('what a process is at since it was listed is not deleted; a tower that nobody needs is', async () => {
    leave(ELSEWHERE, PAIR);
    const listed = await listUnfinished();
    expect(listed).toMatchObject([{ name: expect.stringMatching(/:f16$/) }]);
    const lock = join(folder(), 'demo-f16.lock');
    writeFileSync(lock, ELSEWHERE);
    expect(await removeUnfinished(listed)).toEqual([]);
    for (const name of ['mmproj-demo-f16.gguf', 'demo-f16.json'])
      writeFileSync(join(folder(), name), '{}');
    expect(await tidyModels()).toBe(0);
    expect(readdirSync(unfinished(ELSEWHERE)).sort()).toEqual(PAIR);

    rmSync(lock);
    expect(await removeUnfinished(listed)).toEqual(listed);
    expect(await tidyModels()).toBe(4);
    expect(readdirSync(join(cache, 'models'))).toEqual([]);
  });
});

describe('a disk', () => {
  const system = (code: string) => Object.assign(new Error(code), { code, syscall: 'write' });

  test('too small is said before', async () => {
    await expect(make({ needed: 2 ** 52 })).rejects.toMatchObject({
      ...{ code: 'ERR_DISK_FULL', needed: 2 ** 52, available: expect.any(Number) },
    });
    expect(convert).not.toHaveBeenCalled();
  });

  test.each([
    ['ENOSPC', 'ERR_DISK_FULL'],
    ['EROFS', 'ERR_WRITE'],
  ])('that says %s in the middle: %s, and nothing is left', async (said, code) => {
    vi.mocked(convert).mockImplementation(async ({ outdir }) => {
      mkdirSync(outdir);
      throw writeError(join(outdir, 'x'), system(said));
    });
    const message = expect.stringContaining('LLAVA_ONEVISION_CACHE');
    await expect(make()).rejects.toMatchObject({ code, message });
    expect(readdirSync(folder())).toEqual([]);
  });

  test('that fills up while the addon writes', async () => {
    vi.mocked(convert).mockImplementation(async ({ outdir }) => {
      const path = join(outdir, 'x');
      throw new LlavaError('ERR_WRITE', 'Cannot write x', { path, system: 'ENOSPC' });
    });
    await expect(make()).rejects.toMatchObject({ code: 'ERR_DISK_FULL', path: folder() });
  });

  test('other failures stay what they are', async () => {
    vi.mocked(convert).mockRejectedValue(new Error('mine'));
    await expect(make()).rejects.toThrow(/^mine$/);
    expect(readdirSync(dirname(folder()))).toEqual(['k-c1']);
  });
});

test('the cache folder of each system', () => {
  expect(cacheFolder({ LLAVA_ONEVISION_CACHE: '/x' }, 'linux')).toBe('/x');
  expect(cacheFolder({ XDG_CACHE_HOME: '/c' }, 'linux')).toBe('/c/llava-onevision');
  expect(cacheFolder({}, 'linux')).toMatch(/\.cache.llava-onevision$/);
  expect(cacheFolder({}, 'darwin')).toMatch(/Library.Caches.llava-onevision$/);
  expect(cacheFolder({ LOCALAPPDATA: '/l' }, 'win32')).toMatch(/^.l.llava-onevision.Cache$/);
});
