/** Repositories that hold GGUF files only: the right two of them are downloaded, and used where they are. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { convert, type Outtype, type ResolveOptions, resolveModel } from '../../src/index.js';
import type { Files } from '../support/hub-files.js';
import {
  ANSWER,
  DEMO,
  killedWhen,
  namedModelRig,
  PICTURE,
  QUESTION,
} from '../support/named-model.js';

const REPO = 'someone/cat-gguf';
const rig = namedModelRig();
const made = mkdtempSync(join(tmpdir(), 'gguf-repo-'));
afterAll(() => rmSync(made, { recursive: true }));

let files: Files;
beforeAll(async () => {
  const make = async (outtype: Outtype, more = {}) => {
    const checkpoint = join(DEMO, 'checkpoint');
    const { model, mmproj } = await convert({
      ...{ checkpoint, outdir: join(made, outtype), name: 'cat', outtype, ...more },
    });
    return [...(model.parts ?? [model]), mmproj].map(({ path }) => path);
  };
  const [f16, vision] = await make('f16');
  const split = (await make('q8_0', { splitMaxSize: 1_500_000 })).slice(0, -1);
  expect(split.length).toBeGreaterThan(1);
  const read = (path: string) => readFileSync(path);
  files = {
    'README.md': '# Cats',
    'cat-f16.gguf': read(f16!),
    // Told by its header.
    'vision.gguf': read(vision!),
    'broken-mmproj.gguf': 'GGUF?',
    ...Object.fromEntries(split.map((path) => [`small/${basename(path)}`, read(path)])),
    'small/mmproj-cat.gguf': read(vision!),
  };
});
beforeEach(() => rig.hub.commit(REPO, files));

const ask = (name: string, ...more: string[]) =>
  rig.run(['run', name, PICTURE, QUESTION, '--threads', '1', ...more]);
/** In this process. */
function resolved(name: string, options: ResolveOptions = {}) {
  for (const [key, value] of Object.entries(rig.env)) vi.stubEnv(key, value);
  return resolveModel(name, options);
}
afterEach(() => vi.unstubAllEnvs());

const answered = { status: 0, stdout: ANSWER, stderr: '' };
const sizeOf = (...names: string[]) => names.reduce((sum, name) => sum + files[name]!.length, 0);
/** Without headers. */
const sent = () =>
  rig.hub.requests
    .filter(({ host, headers }) => host === 'cdn' && !/^bytes=\d+-\d/.test(headers.range ?? ''))
    .reduce((bytes, { sent }) => bytes + sent, 0);

test('the best that fits, then the same again without asking for more; offline; a hub that is down', async () => {
  const { 'small/mmproj-cat.gguf': _, ...one } = files;
  rig.hub.commit(REPO, one);
  expect((await rig.run(['doctor', REPO])).stdout).toMatch(
    /MB would be downloaded \(f16, the best type that fits\), once/,
  );
  expect(sent()).toBe(0);
  expect(await ask(REPO)).toEqual(answered);
  expect(sent()).toBe(sizeOf('cat-f16.gguf', 'vision.gguf'));
  rig.hub.requests.length = 0;
  const found = await resolved(REPO);
  expect([basename(found.model), basename(found.mmproj!)]).toEqual(['cat-f16.gguf', 'vision.gguf']);
  expect(rig.hub.requests).toHaveLength(1);
  expect(await resolved(REPO, { offline: true })).toEqual(found);
  expect(rig.hub.requests).toHaveLength(1);
  rig.hub.faults = [{ status: 503 }];
  expect(await resolved(REPO)).toEqual(found);
});

test('a type that is asked for, in several files; killed, it goes on', async () => {
  expect(await killedWhen(rig, "p.stage === 'download' && p.bytes > 2e6", `${REPO}:q8_0`)).toBe(
    'SIGKILL',
  );
  rig.hub.requests.length = 0;
  // As its address is copied from a browser.
  const page = `hf.co/${REPO}/blob/main/small/cat-q8_0-00001-of-00002.gguf`;
  expect(await ask(page)).toEqual(answered);
  const parts = Object.keys(files).filter((name) => /small\/.*-of-/.test(name));
  expect(sent()).toBeLessThan(sizeOf(...parts, 'small/mmproj-cat.gguf') - 1e6);
});

test('a type that is not there, and an mmproj that is not', async () => {
  const refused = (message: RegExp, code = 'ERR_MODEL_LOAD') => ({
    ...{ code, message: expect.stringMatching(message) },
  });
  await expect(resolved(`${REPO}:q4_k_m`)).rejects.toMatchObject(
    refused(/type q4_k_m but found cat-f16\.gguf \(f16\), small\/cat-q8_0-00001-of/),
  );
  const { 'vision.gguf': _, 'small/mmproj-cat.gguf': __, ...blind } = files;
  rig.hub.commit(REPO, blind);
  await expect(resolved(REPO)).rejects.toMatchObject(refused(/no mmproj .* for cat-f16\.gguf/));
  rig.hub.commit('someone/empty', { 'README.md': '' });
  await expect(resolved('someone/empty')).rejects.toMatchObject(
    refused(/lacks config\.json/, 'ERR_HUB_FILE_NOT_FOUND'),
  );
  expect(sent()).toBe(0);
});
