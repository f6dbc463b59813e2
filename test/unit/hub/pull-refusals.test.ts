/** What pull refuses: answers of the hub, paths, disks, options. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheWriteError } from '../../../src/hub/cache-error.js';
import type { PullOptions } from '../../../src/hub/pull.js';
import type { Fault } from '../../support/fake-hub.js';
import { checkpoint, now, pullRig, REPO } from '../../support/pull-rig.js';

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
