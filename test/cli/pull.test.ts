/** pull and convert from the command line, against a server that speaks the hub's API. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type GgufFile, readGguf } from '../../src/gguf/reader.js';
import { cli, MAIN } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { FakeHub } from '../support/fake-hub.js';
import { etagOf, folderFiles } from '../support/hub-files.js';
import { ALL_NAMES, blockModules, writeLora } from '../support/lora.js';

const REPO = 'someone/llava-demo-3m';
const demo = join(import.meta.dirname, '../../demo/checkpoint');
const checkpoint = folderFiles(demo);
const weights = Buffer.from(checkpoint['model.safetensors']!);
const etag = etagOf('model.safetensors', weights);

let hub: FakeHub;
let dir: string;
let env: Record<string, string>;

beforeAll(async () => {
  hub = await FakeHub.start();
});
afterAll(() => hub.stop());
beforeEach(() => {
  hub.reset();
  dir = mkdtempSync(join(tmpdir(), 'pull-cli-'));
  env = {
    ...{ HF_ENDPOINT: hub.endpoint, HF_HOME: dir, HF_HUB_CACHE: '', HUGGINGFACE_HUB_CACHE: '' },
    ...{ HF_TOKEN: 'secret', HF_HUB_OFFLINE: '', TRANSFORMERS_OFFLINE: '' },
  };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const storage = () => join(dir, 'hub', `models--${REPO.replace('/', '--')}`);
const snapshot = (commit: string) => join(storage(), 'snapshots', commit);
const blobs = () => (existsSync(storage()) ? readdirSync(join(storage(), 'blobs')) : []);
const incomplete = () => blobs().filter((name) => name.endsWith('.incomplete'));
const incompleteSize = () =>
  Math.max(0, ...incomplete().map((name) => statSync(join(storage(), 'blobs', name)).size));
const fromStorage = () => hub.requests.filter(({ host }) => host === 'cdn');

test('prints the folder; --json the files; a second time nothing is downloaded', async () => {
  const commit = hub.commit(REPO, checkpoint, { token: 'secret' });
  expect(await cli(['pull', REPO], { env })).toEqual({
    status: 0,
    stdout: `${snapshot(commit)}\n`,
    stderr: '',
  });
  for (const [name, data] of Object.entries(checkpoint))
    expect(readFileSync(join(snapshot(commit), name)).equals(Buffer.from(data))).toBe(true);
  expect(fromStorage().map(({ headers }) => headers.authorization)).toEqual([undefined]);

  const { stdout } = await cli(['pull', `${REPO}@main`, '--json', '--verify'], { env });
  const { files, ...rest } = JSON.parse(stdout);
  expect(rest).toEqual({ repo: REPO, revision: 'main', commit, path: snapshot(commit) });
  expect(files).toHaveLength(Object.keys(checkpoint).length);
  expect(files).toContainEqual({
    ...{ path: 'model.safetensors', size: weights.length },
    ...{ sha256: etag, cached: true },
  });
  expect(fromStorage()).toHaveLength(1);
});

test('--dry-run lists and writes nothing; patterns choose', async () => {
  hub.commit(REPO, checkpoint);
  const { status, stdout } = await cli(
    ['pull', REPO, '--dry-run', '--include', '*.json', '--include', '*.txt', '--exclude', 'vocab*'],
    { env },
  );
  expect(status).toBe(0);
  expect(stdout).toMatch(/2\.28 kB {2}config\.json\n/);
  expect(stdout).not.toMatch(/vocab|safetensors/);
  expect(stdout).toMatch(/7 files of 35\.5 kB, to download 7 of 35\.5 kB\n$/);
  expect(existsSync(join(dir, 'hub'))).toBe(false);
});

test('after kill -9 only the missing bytes are asked for', async () => {
  const commit = hub.commit(REPO, checkpoint);
  hub.faults = [{ host: 'cdn', stallAfter: 3_000_000 }];
  const child = spawn(process.execPath, [MAIN, 'pull', REPO], { env: { ...process.env, ...env } });
  await eventually(() => expect(incompleteSize()).toBeGreaterThan(2_500_000));
  child.kill('SIGKILL');
  await once(child, 'close');
  const kept = incompleteSize();
  expect(existsSync(join(storage(), 'snapshots'))).toBe(false);

  hub.faults = [];
  hub.requests.length = 0;
  const { status, stdout } = await cli(['pull', REPO], { env });
  expect({ status, stdout }).toEqual({ status: 0, stdout: `${snapshot(commit)}\n` });
  expect(fromStorage().map(({ headers, status, sent }) => [headers.range, status, sent])).toEqual([
    [`bytes=${kept}-`, 206, weights.length - kept],
  ]);
  expect(readFileSync(join(snapshot(commit), 'model.safetensors')).equals(weights)).toBe(true);
  expect(incomplete()).toEqual([]);
});

test('Ctrl-C leaves an incomplete file at rest, and the next pull completes it', async () => {
  hub.commit(REPO, checkpoint);
  hub.faults = [{ host: 'cdn', stallAfter: 1_000_000 }];
  const child = spawn(process.execPath, [MAIN, 'pull', REPO], { env: { ...process.env, ...env } });
  await eventually(() => expect(incompleteSize()).toBe(1_000_000));
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([130, null]);
  expect(incomplete()).toEqual([`${etag}.incomplete`]);
  hub.faults = [];
  expect((await cli(['pull', REPO], { env })).status).toBe(0);
  expect(fromStorage().at(-1)?.headers.range).toBe('bytes=1000000-');
});

test('two processes at once have the same result, and nothing is left over', async () => {
  const commit = hub.commit(REPO, checkpoint);
  const outcomes = await Promise.all([1, 2, 3].map(() => cli(['pull', REPO], { env })));
  for (const { status, stdout } of outcomes)
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${snapshot(commit)}\n` });
  for (const [name, data] of Object.entries(checkpoint))
    expect(readFileSync(join(snapshot(commit), name)).equals(Buffer.from(data))).toBe(true);
  expect(incomplete()).toEqual([]);
  expect(readdirSync(storage()).sort()).toEqual(['blobs', 'refs', 'snapshots']);
});

test('convert takes a repository, and makes what it makes of the folder', async () => {
  const commit = hub.commit(REPO, checkpoint, { revision: 'v1' });
  const types = ['--outtype', 'f16', '--mmproj-outtype', 'f16'];
  const outdir = join(dir, 'out');
  const { status, stdout, stderr } = await cli(
    ['convert', REPO, '--revision', 'v1', '--outdir', outdir, ...types, '--json'],
    { env },
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const { model, mmproj, source } = JSON.parse(stdout);
  expect(source).toEqual({ repo: REPO, commit });
  expect(model.path).toBe(join(outdir, 'llava-demo-3m-f16.gguf'));
  expect(mmproj.path).toBe(join(outdir, 'mmproj-llava-demo-3m-f16.gguf'));

  const plain = join(dir, 'plain');
  const named = ['--name', 'llava-demo-3m', ...types, '--outdir', plain];
  expect((await cli(['convert', demo, ...named], { env })).status).toBe(0);
  for (const { path } of [model, mmproj]) {
    const [pulled, local] = [await readGguf(path), await readGguf(path.replace(outdir, plain))];
    // The weights, byte for byte; the metadata except where the repository is told.
    const data = ({ path, tensors }: GgufFile) => readFileSync(path).subarray(tensors[0]!.offset);
    expect(data(pulled).equals(data(local))).toBe(true);
    for (const [key, value] of local.metadata) expect(pulled.metadata.get(key)).toEqual(value);
    expect(pulled.metadata.get('general.source.huggingface.repository')).toBe(REPO);
    expect(pulled.metadata.get('general.source.url')).toContain(commit);
  }
});

test('convert takes the address of a page, and says what addresses there are', async () => {
  const commit = hub.commit(REPO, checkpoint, { revision: 'v1' });
  const convert = (address: string) =>
    cli(['convert', address, '--outdir', join(dir, 'out'), '--json'], { env });
  const { status, stdout } = await convert(`${hub.endpoint}/${REPO}/tree/v1`);
  expect(status).toBe(0);
  expect(JSON.parse(stdout).source).toEqual({ repo: REPO, commit });
  for (const [address, words] of [
    [`${hub.endpoint}/${REPO}-nano`, 'llava-demo-3m-nano'],
    ['https://example.com/someone/llava-demo-3m', 'the address of a model on the hub'],
    [`${hub.endpoint}/datasets/someone/llava`, 'the address of a model on the hub'],
  ] as const) {
    const failed = await convert(address);
    expect(failed.status).not.toBe(0);
    expect(failed.stderr).toContain(words);
    expect(failed.stderr).not.toContain('folder http');
  }
});

describe('before anything is downloaded, convert', () => {
  const convert = (...flags: string[]) =>
    cli(['convert', REPO, '--outdir', join(dir, 'out'), ...flags], { env });
  const expectNothing = () => {
    expect(fromStorage()).toEqual([]);
    expect(existsSync(join(dir, 'hub'))).toBe(false);
  };

  test.each([
    [2, 'without folders', ['--name', 'a/b']],
    [2, 'Ollama', ['--modelfile', '--split-max-size', '2G']],
    [2, '--imatrix', ['--outtype', 'iq2_m']],
    [2, '--text-only', ['--text-only']],
    [1, 'absent.gguf', ['--imatrix', 'absent.gguf']],
    [1, '--force', ['--card']],
  ])('checks its options: status %d, %s', async (status, message, flags) => {
    hub.commit(REPO, checkpoint);
    mkdirSync(join(dir, 'out'));
    writeFileSync(join(dir, 'out/README.md'), 'mine');
    const outcome = await convert(...flags);
    expect(outcome).toMatchObject({ status, stdout: '' });
    expect(outcome.stderr).toContain(message);
    expectNothing();
  });

  test('refuses an adapter with weights that would be lost, and options of checkpoints', async () => {
    const adapter = join(dir, 'adapter');
    await writeLora(adapter, { modules: blockModules(0, ALL_NAMES) });
    const files = { ...folderFiles(adapter), 'config.json': checkpoint['config.json']! };
    hub.commit(REPO, { ...files, 'non_lora_trainables.bin': 'projector' });
    const lost = await convert();
    expect(lost).toMatchObject({ status: 1, stdout: '' });
    expect(lost.stderr).toMatch(/llava-demo-3m.non_lora_trainables\.bin: .*--text-only/);
    expect(await convert('--text-only', '--modelfile')).toMatchObject({ status: 2, stdout: '' });
    expect(await convert('--text-only', '--outtype', 'q4_0')).toMatchObject({ status: 2 });
    expectNothing();

    const { stdout, stderr } = await convert('--text-only', '--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout).adapter.path).toBe(join(dir, 'out/llava-demo-3m-lora-f16.gguf'));
    hub.commit(REPO, files);
    expect(await convert()).toMatchObject({ status: 0 });
  });

  test('refuses such an adapter offline and by the folder of its snapshot too', async () => {
    const adapter = join(dir, 'adapter');
    await writeLora(adapter, { modules: blockModules(0, ALL_NAMES) });
    hub.commit(REPO, { ...folderFiles(adapter), 'non_lora_trainables.bin': 'projector' });
    const { stdout } = await cli(['pull', REPO], { env });
    for (const args of [[stdout.trim()], [REPO]]) {
      const lost = await cli(['convert', ...args, '--outdir', join(dir, 'out')], {
        env: { ...env, HF_HUB_OFFLINE: '1' },
      });
      expect(lost).toMatchObject({ status: 1, stdout: '' });
      expect(lost.stderr).toContain('non_lora_trainables.bin: ');
    }
  });
});

test('offline says what is missing', async () => {
  hub.commit(REPO, checkpoint);
  await cli(['pull', REPO], { env });
  rmSync(join(storage(), 'blobs', etag));
  hub.requests.length = 0;
  const offline = { env: { ...env, HF_HUB_OFFLINE: '1' } };
  const lacking = await cli(['convert', REPO, '--outdir', dir], offline);
  expect(lacking).toMatchObject({ status: 1, stdout: '' });
  expect(lacking.stderr).toMatch(/There is no folder .*lacks.*model\.safetensors/);
  const nothing = await cli(['pull', '0.5b-ov', '--offline'], { env });
  expect(nothing.stderr).toMatch(/lmms-lab\/llava-onevision-qwen2-0\.5b-ov/);
  expect(hub.requests).toEqual([]);
});

test('failures end with status 1 and say what to do', async () => {
  const missing = await cli(['pull', 'nobody/nothing'], { env: { ...env, HF_TOKEN: '' } });
  expect(missing).toMatchObject({ status: 1, stdout: '' });
  expect(missing.stderr).toMatch(/HF_TOKEN/);
  hub.commit(REPO, checkpoint);
  hub.faults = [{ host: 'cdn', corruptAt: 5 }];
  const damaged = await cli(['pull', REPO], { env });
  expect(damaged).toMatchObject({ status: 1, stdout: '' });
  expect(damaged.stderr).toMatch(/damaged/);
});

test.each([
  ['pull'],
  ['pull', 'nonsense'],
  ['pull', 'a/b', '--concurrency', '0'],
  ['pull', 'a/b', '--all', '--include', '*'],
  ['convert', 'a/b@..', '--outdir', 'x'],
  ['convert', '.', '--revision', 'v1', '--outdir', 'x'],
])('wrong usage: %s %s %s %s', async (...args) => {
  expect(await cli(args.filter(Boolean), { env })).toMatchObject({ status: 2, stdout: '' });
  expect(hub.requests).toEqual([]);
});
