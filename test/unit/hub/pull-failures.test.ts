/** Failures that pass, and wrong bytes: pull goes on where it broke, and keeps nothing that is not the file. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { PullProgress } from '../../../src/hub/pull.js';
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
