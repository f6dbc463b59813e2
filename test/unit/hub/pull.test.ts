/** pull from a hub that works: what lies where, the token, offline. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { PullProgress } from '../../../src/hub/pull.js';
import { etagOf } from '../../support/hub-files.js';
import { checkpoint, etag, pullRig, REPO, small, WEIGHTS } from '../../support/pull-rig.js';

const rig = pullRig();

const code = (name: string, fields: object = {}) =>
  expect.objectContaining({ code: name, ...fields });

describe('the cache', () => {
  test('has the standard layout, and is used the next time', async () => {
    const commit = rig.hub.commit(REPO, {
      ...checkpoint,
      'pytorch_model.bin': 'not read',
      'a/b.txt': 'nor this',
    });
    const first = await rig.get();
    expect(first).toMatchObject({ repo: REPO, revision: 'main', commit });
    expect(first.path).toBe(join(rig.storage(), 'snapshots', commit));
    expect(first.files.map(({ path }) => path)).toEqual(Object.keys(checkpoint));
    expect(readFileSync(join(rig.storage(), 'refs/main'), 'utf8')).toBe(commit);
    for (const { path, size, sha256, cached } of first.files) {
      const data = Buffer.from(checkpoint[path]!);
      expect(readFileSync(join(first.path, path)).equals(data)).toBe(true);
      expect(readlinkSync(join(first.path, path))).toBe(`../../blobs/${etagOf(path, data)}`);
      expect({ size, sha256, cached }).toEqual({
        size: data.length,
        sha256: createHash('sha256').update(data).digest('hex'),
        cached: false,
      });
    }
    expect(rig.blobs()).toHaveLength(first.files.length);

    rig.hub.requests.length = 0;
    const second = await rig.get();
    expect(second).toEqual({
      ...first,
      files: first.files.map((file) => ({ ...file, cached: true })),
    });
    expect(rig.hub.requests.every(({ url }) => url.startsWith('/api/models/'))).toBe(true);
  });

  test('takes a new revision’s new files only', async () => {
    rig.hub.commit(REPO, small());
    await rig.get();
    const tag = rig.hub.commit(REPO, small({ 'config.json': '{"b":2}' }), { revision: 'pr/7' });
    rig.hub.requests.length = 0;
    const { commit, files } = await rig.get(`${REPO}@pr/7`);
    expect(commit).toBe(tag);
    expect(files.filter(({ cached }) => !cached).map(({ path }) => path)).toEqual(['config.json']);
    expect(rig.hub.downloads(WEIGHTS)).toEqual([]);
    expect(readFileSync(join(rig.storage(), 'refs/pr/7'), 'utf8')).toBe(tag);
    expect((await rig.get(REPO, { revision: tag })).files.every(({ cached }) => cached)).toBe(true);
    expect(existsSync(join(rig.storage(), 'refs', tag))).toBe(false);
  });

  test('files of the same contents are downloaded once; folders and empty files are made', async () => {
    rig.hub.commit(REPO, small({ 'x/y/one.json': 'same', 'x/two.json': 'same', 'empty.txt': '' }));
    const { path } = await rig.get(REPO, { all: true });
    expect(readFileSync(join(path, 'x/y/one.json'), 'utf8')).toBe('same');
    expect(readFileSync(join(path, 'x/two.json'), 'utf8')).toBe('same');
    expect(readFileSync(join(path, 'empty.txt'), 'utf8')).toBe('');
    expect(rig.hub.downloads('one.json').length + rig.hub.downloads('two.json').length).toBe(1);
  });

  test('files stand where links cannot', async () => {
    vi.stubEnv('HF_HUB_DISABLE_SYMLINKS', '1');
    rig.hub.commit(REPO, small());
    const { path } = await rig.get();
    expect(lstatSync(join(path, WEIGHTS)).isFile()).toBe(true);
    expect(readFileSync(join(path, WEIGHTS), 'utf8')).toBe('weights');
    // As Python does it: moved, so that there is no blob.
    rmSync(join(rig.storage(), 'blobs'), { recursive: true });
    expect((await rig.get()).files.every(({ cached }) => cached)).toBe(true);
    const offline = await rig.get(REPO, { offline: true, verify: true });
    expect(offline.files.find((file) => file.path === WEIGHTS)?.sha256).toBe(
      etagOf(WEIGHTS, Buffer.from('weights')),
    );
  });

  test('damaged files are replaced: those of another size always, others with verify', async () => {
    rig.hub.commit(REPO, small());
    const { path } = await rig.get();
    writeFileSync(join(path, WEIGHTS), 'WEIGHTS');
    expect((await rig.get()).files.every(({ cached }) => cached)).toBe(true);
    await expect(rig.get(REPO, { offline: true, verify: true })).rejects.toEqual(
      code('ERR_HUB_CHECKSUM', { file: WEIGHTS }),
    );
    const repaired = await rig.get(REPO, { verify: true });
    expect(repaired.files.filter(({ cached }) => !cached).map((file) => file.path)).toEqual([
      WEIGHTS,
    ]);
    expect(readFileSync(join(path, WEIGHTS), 'utf8')).toBe('weights');

    writeFileSync(join(path, WEIGHTS), 'short');
    await rig.get();
    expect(readFileSync(join(path, WEIGHTS), 'utf8')).toBe('weights');
  });

  test('a dry run writes nothing', async () => {
    rig.hub.commit(REPO, checkpoint);
    const { files } = await rig.get(REPO, { dryRun: true });
    expect(files).toHaveLength(Object.keys(checkpoint).length);
    expect(files.some(({ cached }) => cached)).toBe(false);
    expect(files.find(({ path }) => path === WEIGHTS)?.sha256).toBe(etag);
    expect(readdirSync(rig.cacheDir)).toEqual([]);
    await rig.get();
    expect((await rig.get(REPO, { dryRun: true })).files.every(({ cached }) => cached)).toBe(true);
  });
});

describe('the token', () => {
  test('goes to the hub, also through its own redirects, and to no other host', async () => {
    rig.hub.commit(REPO, checkpoint, { token: 'secret' });
    await rig.get(REPO, { token: 'secret' });
    const sent = (host: string) =>
      new Set(rig.hub.requests.filter((r) => r.host === host).map((r) => r.headers.authorization));
    expect(sent('hub')).toEqual(new Set(['Bearer secret']));
    expect(sent('cdn')).toEqual(new Set([undefined]));
    expect(rig.hub.requests.some(({ url }) => url.startsWith('/api/resolve-cache/'))).toBe(true);
  });

  test('is read from HF_TOKEN, or the file that a login left', async () => {
    rig.hub.commit('someone/private', small(), { token: 'hidden' });
    await expect(rig.get('someone/private')).rejects.toEqual(
      code('ERR_HUB_UNAUTHORIZED', { status: 401 }),
    );
    vi.stubEnv('HF_TOKEN', 'hidden\n');
    await rig.get('someone/private', { dryRun: true });
    vi.stubEnv('HF_TOKEN', '');
    mkdirSync(join(rig.cacheDir, 'home'));
    writeFileSync(join(rig.cacheDir, 'home/token'), 'hidden\n');
    await rig.get('someone/private', { dryRun: true });
    await expect(rig.get('someone/private', { token: 'wrong' })).rejects.toThrow(
      /refuses the token/,
    );
  });

  test('that cannot stand in a header is refused, and not shown', async () => {
    const failure = await rig.get(REPO, { token: 'sec ret' }).catch((error) => error);
    expect(failure).toEqual(code('ERR_INVALID_ARGUMENT'));
    expect(JSON.stringify({ ...failure, message: failure.message })).not.toContain('sec ret');
  });
});

describe('offline', () => {
  test('what is in the cache, whoever put it there', async () => {
    const commit = rig.hub.commit(REPO, checkpoint);
    const online = await rig.get();
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    rig.hub.requests.length = 0;
    for (const revision of ['main', commit]) {
      const offline = await rig.get(REPO, { revision, verify: true });
      expect(offline).toEqual({
        ...online,
        revision,
        files: online.files.map((file) => ({ ...file, cached: true })),
      });
    }
    expect(rig.hub.requests).toEqual([]);
  });

  test('says what is missing', async () => {
    vi.stubEnv('TRANSFORMERS_OFFLINE', 'true');
    const nothing = await rig.get().catch((error) => error);
    expect(nothing).toEqual(code('ERR_HUB_OFFLINE', { repo: REPO }));
    expect(nothing.message).toContain(REPO);
    rig.hub.commit(REPO, checkpoint);
    await rig.get(REPO, { offline: false });
    rmSync(join(rig.storage(), 'blobs', etag));
    await expect(rig.get()).rejects.toEqual(code('ERR_HUB_OFFLINE', { missing: [WEIGHTS] }));
    await expect(rig.get(`${REPO}@v2`)).rejects.toEqual(code('ERR_HUB_OFFLINE'));
  });
});

test('progress ends where the sizes do, of downloads and of checks', async () => {
  rig.hub.commit(REPO, checkpoint);
  for (const options of [{}, { verify: true }]) {
    const seen: PullProgress[] = [];
    await rig.get(REPO, { ...options, onProgress: (progress) => seen.push(progress) });
    const size = Object.values(checkpoint).reduce((sum, data) => sum + data.length, 0);
    expect(seen.at(-1)).toMatchObject({ bytes: size, size });
    expect(seen.every(({ bytes }, i) => i === 0 || bytes >= seen[i - 1]!.bytes)).toBe(true);
    expect(new Set(seen.map(({ file }) => file))).toEqual(new Set(Object.keys(checkpoint)));
  }
});

test('a repository that was renamed is followed', async () => {
  const commit = rig.hub.commit(REPO, small());
  rig.hub.faults = ['api/models/old/name', 'old/name'].map((path) => ({
    url: new RegExp(`^/${path}/`),
    status: 307,
    headers: { location: '' },
  }));
  for (const fault of rig.hub.faults) {
    Object.defineProperty(fault, 'headers', {
      get: () => ({ location: rig.hub.requests.at(-1)!.url.replace('old/name', REPO) }),
    });
  }
  const result = await rig.get('old/name');
  expect(result.commit).toBe(commit);
  expect(readFileSync(join(result.path, WEIGHTS), 'utf8')).toBe('weights');
});
