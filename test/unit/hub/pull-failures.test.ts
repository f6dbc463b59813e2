/** pull from a hub that refuses, breaks off and sends wrong bytes. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { cacheWriteError } from '../../../src/hub/cache-error.js';
import type { PullOptions, PullProgress } from '../../../src/hub/pull.js';
import type { Fault } from '../../support/fake-hub.js';
import {
  checkpoint,
  etag,
  now,
  pullRig,
  REPO,
  small,
  WEIGHTS,
  weights,
} from '../../support/pull-rig.js';

const rig = pullRig();
const code = (name: string, fields: object = {}) =>
  expect.objectContaining({ code: name, ...fields });

describe('refusals', () => {
  const gated = {
    'x-error-code': 'GatedRepo',
    'x-error-message': 'Access to model is restricted.',
  };
  const info = /\/revision\//;
  test.each<[string, Fault, string, RegExp]>([
    [
      'gated, no token',
      { url: /resolve/, status: 401, headers: gated },
      'ERR_HUB_UNAUTHORIZED',
      /accept its terms/,
    ],
    [
      'gated',
      { url: /resolve/, status: 403, headers: gated },
      'ERR_HUB_FORBIDDEN',
      /accept its terms/,
    ],
    ['forbidden', { url: info, status: 403 }, 'ERR_HUB_FORBIDDEN', /403/],
    ['no file', { url: /resolve/, status: 404 }, 'ERR_HUB_FILE_NOT_FOUND', /has no file \w+/],
    [
      'rate limit for long',
      { url: info, status: 429, headers: { 'retry-after': '3600' } },
      'ERR_HUB_RATE_LIMIT',
      /429/,
    ],
    [
      'rate limit, the hub’s way',
      { url: info, status: 429, headers: { ratelimit: '"api";r=0;t=900' } },
      'ERR_HUB_RATE_LIMIT',
      /429/,
    ],
    ['down', { url: info, status: 500, headers: now }, 'ERR_HUB_SERVER', /500/],
    ['storage refuses', { host: 'cdn', status: 403, headers: now }, 'ERR_HUB_SERVER', /403/],
    ['teapot', { url: info, status: 418 }, 'ERR_HUB_SERVER', /418/],
    ['no JSON', { url: info, body: '<html>Log in</html>' }, 'ERR_HUB_SERVER', /HF_ENDPOINT/],
    ['no commit', { url: info, body: '{"sha":"../../etc"}' }, 'ERR_HUB_SERVER', /commit/],
    ['no list', { url: /tree/, body: '{}' }, 'ERR_HUB_SERVER', /HF_ENDPOINT/],
    [
      'redirect elsewhere',
      { url: info, status: 302, headers: { location: 'ftp://x/y' } },
      'ERR_HUB_SERVER',
      /redirected/,
    ],
    [
      'redirect in a circle',
      { url: info, status: 302, headers: { location: '/someone/llava-demo/revision/x' } },
      'ERR_HUB_SERVER',
      /redirected/,
    ],
  ])('%s', async (_, fault, name, message) => {
    rig.hub.commit(REPO, checkpoint);
    rig.hub.faults = [fault];
    const failure = await rig.get().catch((error) => error);
    expect(failure).toEqual(code(name, { name: 'LlavaError', repo: REPO }));
    expect(failure.message).toMatch(message);
  });

  test('no repository, and no such revision', async () => {
    rig.hub.commit(REPO, checkpoint);
    await expect(rig.get('nobody/nothing')).rejects.toEqual(code('ERR_HUB_UNAUTHORIZED'));
    await expect(rig.get('nobody/nothing', { token: 't' })).rejects.toEqual(
      code('ERR_HUB_NOT_FOUND'),
    );
    await expect(rig.get(`${REPO}@v9`)).rejects.toEqual(
      code('ERR_HUB_REVISION_NOT_FOUND', { revision: 'v9' }),
    );
  });

  test('no network', async () => {
    const failure = await rig.get(REPO, { endpoint: 'http://127.0.0.1:1' }).catch((error) => error);
    expect(failure).toEqual(code('ERR_HUB_NETWORK'));
    expect(failure.message).toMatch(/HF_HUB_OFFLINE/);
  });

  test.each(['../evil.json', '/etc/evil', 'a/../../b', 'C:/x', 'a\\b', 'a//b', './a'])(
    'the path %s',
    async (path) => {
      rig.hub.faults = [
        {
          url: /tree/,
          body: JSON.stringify([{ type: 'file', path, size: 1, oid: 'a'.repeat(40) }]),
        },
      ];
      rig.hub.commit(REPO, checkpoint);
      await expect(rig.get(REPO, { all: true })).rejects.toEqual(code('ERR_HUB_SERVER'));
      expect(readdirSync(rig.cacheDir)).toEqual([]);
    },
  );

  test('more than the disk holds, before anything is downloaded', async () => {
    const size = 2 ** 52;
    rig.hub.commit(REPO, checkpoint);
    rig.hub.faults = [
      {
        url: /tree/,
        body: JSON.stringify([{ type: 'file', path: 'x', size, oid: 'a'.repeat(40) }]),
      },
    ];
    await expect(rig.get(REPO, { all: true })).rejects.toEqual(
      code('ERR_DISK_FULL', { needed: size, available: expect.any(Number) }),
    );
    expect(rig.hub.downloads('x')).toEqual([]);
  });

  test('a disk that is full in the middle', () => {
    const cause = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    expect(cacheWriteError('/x', cause)).toEqual(code('ERR_DISK_FULL', { path: '/x', cause }));
  });

  test('a cache that cannot be written', async () => {
    rig.hub.commit(REPO, checkpoint);
    writeFileSync(join(rig.cacheDir, 'file'), '');
    await expect(rig.get(REPO, { cacheDir: join(rig.cacheDir, 'file') })).rejects.toEqual(
      code('ERR_WRITE'),
    );
  });

  test.each<[string, string, PullOptions]>([
    ['repo', 'nonsense', {}],
    ['repo', '../x', {}],
    ['revision', `${REPO}@a..b/../c`, {}],
    ['revision', `${REPO}@v1`, { revision: 'v2' }],
    ['concurrency', REPO, { concurrency: 0 }],
    ['include', REPO, { include: ['*'], all: true }],
    ['exclude', REPO, { exclude: [''] }],
    ['endpoint (HF_ENDPOINT)', REPO, { endpoint: 'huggingface.co' }],
  ])('a wrong %s: %s %j', async (argument, repo, options) => {
    await expect(rig.get(repo, options)).rejects.toEqual(
      code('ERR_INVALID_ARGUMENT', { argument }),
    );
  });
});

describe('failures that pass', () => {
  test('an answer of 429 or 5xx is waited out, as long as the server says', async () => {
    rig.hub.commit(REPO, small());
    rig.hub.faults = [
      { url: /revision/, status: 429, headers: { 'retry-after': '1' }, times: 1 },
      { url: /tree/, status: 503, headers: now, times: 2 },
      { url: /resolve.*safetensors/, status: 500, headers: now, times: 3 },
      { host: 'cdn', status: 403, headers: now, times: 1 },
    ];
    const startedAt = performance.now();
    await rig.get();
    expect(performance.now() - startedAt).toBeGreaterThan(990);
    expect(rig.hub.downloads(WEIGHTS).map(({ status }) => status)).toEqual([
      500, 500, 500, 302, 403, 302, 200,
    ]);
  });

  test('a cut connection goes on where it broke', async () => {
    rig.hub.commit(REPO, checkpoint);
    rig.hub.faults = [
      { host: 'cdn', cutAfter: 150_000, times: 2 },
      { url: /tree/, cutAfter: 0, times: 0 },
    ];
    const { path } = await rig.get();
    expect(readFileSync(join(path, WEIGHTS)).equals(weights)).toBe(true);
    const parts = rig.hub.requests.filter(({ host }) => host === 'cdn');
    expect(parts.map(({ status }) => status)).toEqual([200, 206, 206]);
    const starts = parts.map(({ headers }) => Number(headers.range?.slice(6, -1) ?? 0));
    // What is on its way when a connection breaks is lost, nothing else.
    expect(starts[1]).toBeGreaterThan(50_000);
    expect(starts[2]).toBeGreaterThan(starts[1]! + 50_000);
    expect((starts.at(-1) ?? 0) + (parts.at(-1)?.sent ?? 0)).toBe(weights.length);
  });

  test('a connection that says nothing is given up', async () => {
    vi.stubEnv('HF_HUB_DOWNLOAD_TIMEOUT', '1');
    rig.hub.commit(REPO, checkpoint);
    rig.hub.faults = [{ host: 'cdn', stallAfter: 100_000, times: 1 }];
    const { path } = await rig.get();
    expect(readFileSync(join(path, WEIGHTS)).equals(weights)).toBe(true);
    expect(rig.hub.requests.at(-1)?.headers.range).toBe('bytes=100000-');
  });

  test('what came before a failure is kept, and completed the next time', async () => {
    rig.hub.commit(REPO, checkpoint);
    rig.hub.faults = [
      { host: 'cdn', cutAfter: 100_000, times: 1 },
      { host: 'cdn', status: 500, headers: now },
    ];
    await expect(rig.get()).rejects.toEqual(code('ERR_HUB_SERVER'));
    expect(rig.blobs()).toContain(`${etag}.incomplete`);
    const { size } = statSync(join(rig.storage(), 'blobs', `${etag}.incomplete`));
    expect(size).toBeGreaterThan(30_000);
    expect(existsSync(join(rig.storage(), 'refs'))).toBe(false);

    rig.hub.faults = [];
    rig.hub.requests.length = 0;
    const { path } = await rig.get();
    expect(readFileSync(join(path, WEIGHTS)).equals(weights)).toBe(true);
    expect(rig.hub.requests.filter(({ host }) => host === 'cdn').map(({ sent }) => sent)).toEqual([
      weights.length - size,
    ]);
    expect(rig.blobs().filter((name) => name.endsWith('.incomplete'))).toEqual([]);
  });

  test('an abort leaves what came, under its name at rest', async () => {
    rig.hub.commit(REPO, checkpoint);
    rig.hub.faults = [{ host: 'cdn', stallAfter: 150_000 }];
    const controller = new AbortController();
    const onProgress = ({ file, fileBytes }: PullProgress) => {
      if (file === WEIGHTS && fileBytes === 150_000) controller.abort(new Error('enough'));
    };
    await expect(rig.get(REPO, { signal: controller.signal, onProgress })).rejects.toThrow(
      'enough',
    );
    const left = rig.blobs().filter((name) => name.includes('incomplete'));
    expect(left).toEqual([`${etag}.incomplete`]);
    rig.hub.faults = [];
    rig.hub.requests.length = 0;
    await rig.get();
    expect(
      rig.hub.requests.filter(({ host }) => host === 'cdn').map(({ headers }) => headers.range),
    ).toEqual(['bytes=150000-']);
    await expect(rig.get(REPO, { signal: AbortSignal.abort('before') })).rejects.toBe('before');
  });
});

describe('wrong bytes', () => {
  test('are deleted and reported', async () => {
    rig.hub.commit(REPO, checkpoint);
    rig.hub.faults = [{ host: 'cdn', corruptAt: 350_000 }];
    await expect(rig.get()).rejects.toEqual(
      code('ERR_HUB_CHECKSUM', { file: WEIGHTS, expected: etag }),
    );
    expect(rig.blobs().filter((name) => name.startsWith(etag))).toEqual([]);
    rig.hub.commit(REPO, small());
    rig.hub.faults = [{ url: /blob.*config\.json/, corruptAt: 1, times: 1 }];
    await expect(rig.get()).rejects.toEqual(code('ERR_HUB_CHECKSUM', { file: 'config.json' }));
    await rig.get();
  });

  test('left by an earlier try are downloaded again at once', async () => {
    rig.hub.commit(REPO, checkpoint);
    mkdirSync(join(rig.storage(), 'blobs'), { recursive: true });
    for (const bytes of [
      Buffer.alloc(1000),
      Buffer.alloc(weights.length),
      Buffer.alloc(weights.length + 1),
    ]) {
      writeFileSync(join(rig.storage(), 'blobs', `${etag}.incomplete`), bytes);
      const { path } = await rig.get();
      expect(readFileSync(join(path, WEIGHTS)).equals(weights)).toBe(true);
      rmSync(join(rig.storage(), 'blobs', etag));
    }
  });

  test('of a file that has changed meanwhile are not mixed in', async () => {
    rig.hub.commit(REPO, checkpoint);
    const changed = { 'x-linked-etag': `"${'0'.repeat(64)}"` };
    rig.hub.faults = [
      { host: 'cdn', cutAfter: 100_000, times: 1 },
      { url: /resolve.*safetensors/, after: 1, headers: changed },
    ];
    await expect(rig.get()).rejects.toEqual(
      code('ERR_HUB_CHECKSUM', { expected: etag, actual: '0'.repeat(64) }),
    );
    const kept = readFileSync(join(rig.storage(), 'blobs', `${etag}.incomplete`));
    expect(kept.length).toBeGreaterThan(30_000);
    expect(kept.equals(weights.subarray(0, kept.length))).toBe(true);
  });

  test('a new version starts anew beside the rest of the old one', async () => {
    rig.hub.commit(REPO, checkpoint);
    rig.hub.faults = [
      { host: 'cdn', cutAfter: 100_000, times: 1 },
      { host: 'cdn', status: 500, headers: now },
    ];
    await rig.get().catch(() => {});
    rig.hub.faults = [];
    rig.hub.requests.length = 0;
    const changed = Buffer.from(weights).fill(1, 0, 8);
    rig.hub.commit(REPO, { ...checkpoint, [WEIGHTS]: changed });
    const { path } = await rig.get();
    expect(readFileSync(join(path, WEIGHTS)).equals(changed)).toBe(true);
    expect(rig.hub.requests.find(({ host }) => host === 'cdn')?.headers.range).toBeUndefined();
  });

  test.each<[string, Fault]>([
    ['the whole file for a part', { host: 'cdn', ignoreRange: true }],
    ['416', { host: 'cdn', status: 416, times: 1 }],
    [
      'another part',
      { host: 'cdn', headers: { 'content-range': 'bytes 7-8/9' }, status: 206, times: 1 },
    ],
  ])('answers to a range: %s', async (_, fault) => {
    rig.hub.commit(REPO, checkpoint);
    mkdirSync(join(rig.storage(), 'blobs'), { recursive: true });
    writeFileSync(join(rig.storage(), 'blobs', `${etag}.incomplete`), weights.subarray(0, 1000));
    rig.hub.faults = [fault];
    const { path } = await rig.get();
    expect(readFileSync(join(path, WEIGHTS)).equals(weights)).toBe(true);
  });
});
