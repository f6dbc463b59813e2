/**
 * Weights in several files: each is fetched, converted and deleted before the next, whatever kills the process in between; what
 * comes out is the same as by hand.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { convert, type ResolveProgress, resolveModel } from '../../src/index.js';
import { listUnfinished } from '../../src/models/unfinished.js';
import type { Files } from '../support/hub-files.js';
import { checkpoint, killedWhen, NAME, namedModelRig, REPO } from '../support/named-model.js';
import { inShards, shardName } from '../support/shards.js';

const COUNT = 4;
const sharded: Files = inShards(checkpoint, COUNT);
const shards = Object.entries(sharded).filter(([name]) => name.endsWith('.safetensors'));
const sizes = shards.map(([, bytes]) => bytes.length);
const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
const WEIGHTS = sum(sizes);
const SHARD = Math.max(...sizes);
const IN_THIRD = (sizes[0]! + sizes[1]! + sizes[2]! / 2) / WEIGHTS;

const rig = namedModelRig();
const weightsSent = () =>
  rig.hub.requests
    .filter(({ host, headers }) => host === 'cdn' && !/^bytes=0-\d/.test(headers.range ?? ''))
    .reduce((sum, { sent }) => sum + sent, 0);

afterEach(() => vi.unstubAllEnvs());

/** On the disk below a folder, links not followed. */
function used(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const places = entries.filter((entry) => entry.isFile());
  // Some are renamed or deleted since then.
  const info = ({ parentPath, name }: (typeof places)[0]) =>
    statSync(join(parentPath, name), { throwIfNoEntry: false });
  return sum(places.map((entry) => (info(entry)?.blocks ?? 0) * 512));
}

/** In this process. @returns the files, what was said, and the most that was on the disk */
async function resolved(options: { keepCheckpoint?: boolean; signal?: AbortSignal } = {}) {
  for (const [key, value] of Object.entries(rig.env)) vi.stubEnv(key, value);
  const notes: string[] = [];
  let most = 0;
  const onProgress = (progress: ResolveProgress) => {
    if (progress.stage === 'note') notes.push(progress.note);
    most = Math.max(most, used(rig.home));
  };
  const files = await resolveModel(`${NAME}:q8_0`, { ...options, onProgress });
  return { files, said: notes.join('\n'), most };
}

let whole: string[] | undefined;
/** Bytes of the two files as the ordinary conversion makes them. */
async function byHand(commit: string): Promise<string[]> {
  if (whole) return whole;
  const folder = join(rig.home, 'whole');
  mkdirSync(folder);
  for (const [name, data] of Object.entries(sharded)) writeFileSync(join(folder, name), data);
  const name = REPO.split('/')[1]!;
  const source = { repo: REPO, commit };
  const outdir = join(rig.home, 'by-hand');
  const made = await convert({ checkpoint: folder, outdir, name, source, outtype: 'q8_0' });
  whole = bytes({ model: made.model.path, mmproj: made.mmproj.path });
  return whole;
}

const bytes = (files: { model: string; mmproj: string | null }) =>
  [files.model, files.mmproj!].map((path) => readFileSync(path).toString('latin1'));

test('takes the files and one of the weights of the disk, and makes what convert makes', async () => {
  const commit = rig.hub.commit(REPO, sharded);
  const { files, said, most } = await resolved();
  expect(said).toMatch(
    /to download, each file of weights deleted once it is converted: at most about .* of disk, .* in the end; .* are free/,
  );
  const made = files.mmproj ? statSync(files.model).size + statSync(files.mmproj).size : 0;
  const rest = used(join(rig.home, 'hub'));
  expect(most).toBeLessThan(made + rest + 1.2 * SHARD);
  expect(most).toBeLessThan(made + rest + 0.5 * WEIGHTS);
  expect(used(rig.home)).toBeLessThan(made + rest + 65_536);
  expect(rig.kept()).toHaveLength(3);

  // What it was asked to keep is kept, and what is there is taken.
  rig.hub.requests.length = 0;
  vi.stubEnv('LLAVA_ONEVISION_CACHE', '');
  rig.env.LLAVA_ONEVISION_CACHE = join(rig.home, 'other');
  const kept = await resolved({ keepCheckpoint: true });
  const snapshot = join(rig.home, `hub/models--${REPO.replace('/', '--')}/snapshots/${commit}`);
  expect(readdirSync(snapshot).filter((name) => name.endsWith('.safetensors'))).toHaveLength(COUNT);
  const expected = await byHand(commit);
  expect(bytes(files)).toEqual(expected);
  expect(bytes(kept.files)).toEqual(expected);
});

describe('killed and asked again, it goes on', () => {
  const inShard = (index: number) => `p.file === '${shardName(index, COUNT)}'`;
  test.each([
    ['in the download of the second', `p.fileBytes > 1e6 && ${inShard(1)}`, 1],
    ['in the conversion of the third', `p.stage === 'convert' && p.fraction > ${IN_THIRD}`, 3],
    ['at the end', "p.stage === 'convert' && p.fraction === 1", 4],
  ])('%s', async (_, when, whole) => {
    const commit = rig.hub.commit(REPO, sharded);
    expect(await killedWhen(rig, when, `${NAME}:q8_0`)).toBe('SIGKILL');
    rig.hub.requests.length = 0;
    const { files } = await resolved();
    expect(weightsSent()).toBeLessThanOrEqual(WEIGHTS - sum(sizes.slice(0, whole)));
    expect(rig.kept()).toHaveLength(3);
    expect(bytes(files)).toEqual(await byHand(commit));
  });
});

test('two at once share the work; a new commit begins anew, and prune takes what was left of the old', async () => {
  rig.hub.commit(REPO, sharded);
  await Promise.all([killedWhen(rig, 'false', `${NAME}:q8_0`), resolved()]);
  expect(weightsSent()).toBe(WEIGHTS);

  const when = `p.stage === 'convert' && p.fraction > ${IN_THIRD}`;
  expect(await killedWhen(rig, when, `${NAME}:q4_0`)).toBe('SIGKILL');
  rig.hub.commit(REPO, { ...sharded, 'README.md': 'Better now.' });
  await resolved();
  const [left] = await listUnfinished();
  expect(left).toMatchObject({ name: `${NAME}:q4_0` });
  cpSync(left!.folder, left!.folder.replace('q4_0', 'q5_0'), { recursive: true });
  const byRepository = await rig.run(['models', 'rm', `${REPO}:q5_0`]);
  expect(byRepository.stdout).toBe('0.5b-ov:q5_0 deleted, which was half made\n');
  const wrong = await rig.run(['models', 'rm', '0.5b-o']);
  expect([wrong.status, wrong.stderr]).toEqual([
    2,
    expect.stringContaining('Did you mean 0.5b-ov'),
  ]);
  const { stdout } = await rig.run(['models', 'prune', '--older-than', '0h']);
  expect(stdout).toContain('0.5b-ov:q4_0 deleted, which was half made\n');
  expect(rig.kept()).toEqual([]);
});

test('what the hub cache has is taken from there and stays; a wrong shard is never converted', async () => {
  rig.hub.commit(REPO, sharded);
  const include = ['--include', shardName(0, COUNT)];
  expect((await rig.run(['pull', NAME, ...include])).status).toBe(0);
  rig.hub.faults = [{ host: 'cdn', url: /00003-of/, after: 1, corruptAt: 200_000, times: 1 }];
  rig.hub.requests.length = 0;
  await expect(resolved()).rejects.toMatchObject({ code: 'ERR_HUB_CHECKSUM' });
  await resolved();
  expect(rig.hub.downloads(shardName(0, COUNT))).toEqual([]);
  const blobs = readdirSync(join(rig.home, `hub/models--${REPO.replace('/', '--')}/blobs`));
  expect(blobs.filter((name) => name.length === 64)).toHaveLength(1);
});

test('a disk that is too small is said before', async () => {
  rig.hub.commit(REPO, sharded);
  const entry = (path: string, size: number) => ({
    ...{ type: 'file', path, size, oid: 'a'.repeat(40) },
    lfs: { oid: 'b'.repeat(64), size, pointerSize: 134 },
  });
  const names = ['config.json', 'tokenizer.json', 'model.safetensors.index.json'];
  const small = names.map((path) => ({ ...entry(path, 2), lfs: undefined }));
  const body = JSON.stringify([...small, ...shards.map(([name]) => entry(name, 2 ** 48))]);
  rig.hub.faults = [{ url: /tree/, body }];
  await expect(resolved()).rejects.toMatchObject({
    ...{ code: 'ERR_DISK_FULL', message: expect.stringMatching(/TB are needed/) },
  });
  expect(weightsSent()).toBe(0);
});
