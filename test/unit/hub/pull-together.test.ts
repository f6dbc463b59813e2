/** pull of several files, and several pulls. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { PullProgress } from '../../../src/hub/pull.js';
import { eventually } from '../../support/eventually.js';
import {
  checkpoint,
  etag,
  pullRig,
  REPO,
  small,
  WEIGHTS,
  weights,
} from '../../support/pull-rig.js';

const rig = pullRig();
const code = (name: string, fields: object = {}) =>
  expect.objectContaining({ code: name, ...fields });

describe('several at once', () => {
  const sharded = small({
    ...Object.fromEntries([1, 2, 3].map((n) => [`s${n}.safetensors`, `shard ${n}`])),
  });

  test('as many files as asked for', async () => {
    rig.hub.commit(REPO, sharded);
    rig.hub.faults = [{ host: 'cdn', stallAfter: 1 }];
    const controller = new AbortController();
    const options = { include: ['s?.safetensors'], concurrency: 2, signal: controller.signal };
    const pulling = rig.get(REPO, options);
    const started = () => rig.hub.requests.filter(({ host }) => host === 'cdn').length;
    await eventually(() => expect(started()).toBe(2));
    await sleep(100);
    expect(started()).toBe(2);
    controller.abort(new Error('enough'));
    await expect(pulling).rejects.toThrow('enough');
  });

  test('many files, without a warning of too many listeners', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `f${i}.${i % 2 ? 'bin' : 'txt'}`);
    rig.hub.commit(REPO, Object.fromEntries(names.map((name) => [name, name])));
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    const { signal } = new AbortController();
    const { files } = await rig.get(REPO, { all: true, concurrency: 30, signal });
    await sleep(10);
    process.off('warning', listen);
    expect(files).toHaveLength(30);
    expect(warnings).toEqual([]);
  });

  test('a failure stops the others, which keep what they have', async () => {
    rig.hub.commit(REPO, sharded);
    rig.hub.faults = [
      { host: 'cdn', url: /s1/, stallAfter: 3 },
      { host: 'hub', url: /s2/, status: 404 },
    ];
    await expect(rig.get(REPO, { include: ['s?.safetensors'] })).rejects.toEqual(
      code('ERR_HUB_FILE_NOT_FOUND'),
    );
    expect(rig.blobs().filter((name) => !/^[0-9a-f]{64}(\.incomplete)?$/.test(name))).toEqual([]);
  });

  test('pulls do not disturb each other', async () => {
    rig.hub.commit(REPO, checkpoint);
    const results = await Promise.all([rig.get(), rig.get(), rig.get()]);
    for (const { path } of results)
      expect(readFileSync(join(path, WEIGHTS)).equals(weights)).toBe(true);
    expect(rig.blobs().every((name) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(name))).toBe(true);
  });

  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
  const claim = (pid: number) =>
    join(rig.storage(), 'blobs', `${etag}.${host}-${pid}-0123abcd.incomplete`);

  test('what a dead process left is taken over', async () => {
    rig.hub.commit(REPO, checkpoint);
    mkdirSync(dirname(claim(1)), { recursive: true });
    writeFileSync(claim(4_194_999), weights.subarray(0, 10_000));
    writeFileSync(claim(process.pid), weights.subarray(0, 20_000));
    await rig.get();
    expect(rig.hub.requests.find(({ host }) => host === 'cdn')?.headers.range).toBe('bytes=20000-');
    expect(rig.blobs().filter((name) => name.includes('incomplete'))).toEqual([]);
  });

  // Every container has a name of its own, so that a process there cannot be looked for.
  const elsewhere = () => claim(7).replace(`.${host}-`, '.00000000-');

  test('what another host has not touched for half a minute is taken over', async () => {
    rig.hub.commit(REPO, checkpoint);
    mkdirSync(dirname(elsewhere()), { recursive: true });
    writeFileSync(elsewhere(), weights.subarray(0, 20_000));
    const then = Date.now() / 1000 - 31;
    utimesSync(elsewhere(), then, then);
    const notes: string[] = [];
    await rig.get(REPO, { onProgress: ({ note }) => void (note && notes.push(note)) });
    expect(notes).not.toContain('another process is at it');
    expect(rig.hub.requests.find(({ host }) => host === 'cdn')?.headers.range).toBe('bytes=20000-');
  });

  test('what another host is at is waited for, and that is said', async () => {
    rig.hub.commit(REPO, checkpoint);
    mkdirSync(dirname(elsewhere()), { recursive: true });
    writeFileSync(elsewhere(), weights.subarray(0, 20_000));
    const controller = new AbortController();
    const notes: string[] = [];
    const onProgress = ({ note }: PullProgress) => void (note && notes.push(note));
    const pulling = rig.get(REPO, { onProgress, signal: controller.signal });
    await eventually(() => expect(notes).toContain('another process is at it'));
    controller.abort(new Error('enough'));
    await expect(pulling).rejects.toThrow('enough');
  });

  test('who downloads touches the claim, also while nothing comes', async () => {
    rig.hub.commit(REPO, checkpoint);
    rig.hub.faults = [{ host: 'cdn', stallAfter: 1 }];
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const controller = new AbortController();
    const pulling = rig.get(REPO, { signal: controller.signal });
    const own = () => rig.blobs().find((name) => name.startsWith(`${etag}.${host}-`));
    await eventually(() => expect(own()).toBeDefined());
    const path = join(rig.storage(), 'blobs', own()!);
    await eventually(() => expect(statSync(path).size).toBeGreaterThan(0));
    utimesSync(path, 1, 1);
    vi.advanceTimersByTime(10_000);
    await eventually(() => expect(Date.now() - statSync(path).mtimeMs).toBeLessThan(30_000));
    vi.useRealTimers();
    controller.abort(new Error('enough'));
    await expect(pulling).rejects.toThrow('enough');
  });

  test.each<[string, string, (file: number) => void]>([
    ['appends to', 'a', (file) => writeSync(file, 'more')],
    ['writes over', 'r+', (file) => writeSync(file, 'else', 9)],
    ['empties', 'r+', (file) => ftruncateSync(file, 0)],
  ])(
    'a program that %s what lay at rest, while it is completed, does no harm',
    async (_, flags, meddle) => {
      rig.hub.commit(REPO, checkpoint);
      const atRest = `${join(rig.storage(), 'blobs', etag)}.incomplete`;
      mkdirSync(dirname(atRest), { recursive: true });
      writeFileSync(atRest, weights.subarray(0, 20_000));
      const file = openSync(atRest, flags);
      let hasMeddled = false;
      const { path } = await rig.get(REPO, {
        onProgress: ({ file: name, fileBytes, fileSize }) => {
          if (name !== WEIGHTS || fileBytes < fileSize || hasMeddled) return;
          hasMeddled = true;
          meddle(file);
        },
      });
      closeSync(file);
      expect(hasMeddled).toBe(true);
      expect(readFileSync(join(path, WEIGHTS)).equals(weights)).toBe(true);
      const ranges = rig.hub.requests.filter(({ host }) => host === 'cdn');
      expect(ranges.map(({ headers }) => headers.range)).toEqual(['bytes=20000-', undefined]);
    },
  );

  test('a live process is waited for', async () => {
    rig.hub.commit(REPO, checkpoint);
    mkdirSync(dirname(claim(1)), { recursive: true });
    writeFileSync(claim(process.ppid), weights.subarray(0, 10_000));
    const notes: PullProgress[] = [];
    const pulling = rig.get(REPO, {
      onProgress: (progress) => progress.note && notes.push(progress),
    });
    await eventually(() => expect(notes.length).toBeGreaterThan(0));
    expect(notes[0]).toMatchObject({ file: WEIGHTS, fileBytes: 10_000 });
    writeFileSync(join(rig.storage(), 'blobs', etag), weights);
    rmSync(claim(process.ppid));
    const { path } = await pulling;
    expect(readFileSync(join(path, WEIGHTS)).equals(weights)).toBe(true);
    expect(rig.hub.downloads(WEIGHTS)).toEqual([]);
  });
});
