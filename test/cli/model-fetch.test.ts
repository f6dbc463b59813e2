/** What a name needs is fetched and converted once: killed and gone on with, by two at once, on a full disk, as the hub changes. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import {
  LlavaOneVision,
  type LoadProgress,
  type ResolveProgress,
  resolveModel,
} from '../../src/index.js';
import {
  ANSWER,
  checkpoint,
  killedWhen,
  NAME,
  namedModelRig,
  PICTURE,
  QUESTION,
  REPO,
} from '../support/named-model.js';

const rig = namedModelRig();
const ask = (...more: string[]) =>
  rig.run(['run', NAME, PICTURE, QUESTION, '--threads', '1', ...more]);
const FILES = ['X-f16.gguf', 'X-f16.json', 'mmproj-X-f16.gguf'].map((name) =>
  name.replace('X', REPO.split('/')[1]!),
);
const fromStorage = () => rig.hub.requests.filter(({ host }) => host === 'cdn');

describe('killed and asked again, it goes on', () => {
  test.each([
    ['at the start', "p.stage === 'note'", 0],
    [
      'early in the download',
      "p.stage === 'download' && p.fileBytes > 1e6 && p.fileSize > 5e6",
      1e6,
    ],
    ['late in the download', "p.stage === 'download' && p.fileBytes > 5e6", 5e6],
    ['before the conversion', "p.stage === 'note' && /best type/.test(p.note)", 6e6],
    ['in the conversion', "p.stage === 'convert' && p.fraction > 0.5", 6e6],
    ['at its end', "p.stage === 'convert' && p.fraction === 1", 6e6],
  ])('%s', async (_, when, atLeast) => {
    rig.hub.commit(REPO, checkpoint);
    expect(await killedWhen(rig, when)).toBe('SIGKILL');
    rig.hub.requests.length = 0;
    expect(await ask()).toEqual({ status: 0, stdout: ANSWER, stderr: '' });
    expect(rig.kept()).toEqual(FILES);
    const again = fromStorage().reduce((sum, { sent }) => sum + sent, 0);
    expect(again).toBeLessThanOrEqual(6e6 - atLeast);
  });
});

test('two at once share the work', async () => {
  rig.hub.commit(REPO, checkpoint);
  const outcomes = await Promise.all([ask(), ask()]);
  for (const outcome of outcomes)
    expect(outcome).toEqual({ status: 0, stdout: ANSWER, stderr: '' });
  expect(fromStorage()).toHaveLength(1);
  expect(rig.kept()).toEqual(FILES);
});

test('a full disk is said before anything is downloaded', async () => {
  rig.hub.commit(REPO, checkpoint);
  const file = (path: string, size: number) => ({ type: 'file', path, size, oid: 'a'.repeat(40) });
  const files = ['config.json', 'tokenizer.json'].map((path) => file(path, 2));
  const body = JSON.stringify([...files, file('model.safetensors', 2 ** 52)]);
  rig.hub.faults = [{ url: /tree/, body }];
  const full = await rig.run(['run', `${NAME}:q8_0`, PICTURE, QUESTION]);
  expect([full.status, full.stdout]).toEqual([1, '']);
  expect(full.stderr).toMatch(
    /TB are needed.*has room for .*HF_HUB_CACHE and LLAVA_ONEVISION_CACHE/,
  );
  // Without a type of the user's it is the memory that such a model does not fit into.
  expect((await ask()).stderr).toMatch(/The model needs about .* of memory even in q3_k_m/);
  expect(fromStorage()).toEqual([]);
});

describe('the hub', () => {
  /** In this process. @returns the files, and what was said */
  async function resolved(name = NAME) {
    for (const [key, value] of Object.entries(rig.env)) vi.stubEnv(key, value);
    const notes: string[] = [];
    const onProgress = (progress: ResolveProgress) => {
      if (progress.stage === 'note') notes.push(progress.note);
    };
    const files = await resolveModel(name, { onProgress }).finally(() => vi.unstubAllEnvs());
    return { ...files, said: notes.join('\n') };
  }

  test('has a new commit: it is fetched, and that is said; without the hub, what is there is taken', async () => {
    const first = rig.hub.commit(REPO, checkpoint);
    const old = await resolved();
    expect(old.said).toMatch(
      /6\.04 MB to download into .*, then about .* of converted files; .* are free/,
    );
    expect(old.said).toMatch(/: f16, the best type that fits .*; 5\.98 MB go into /);
    expect(await resolved()).toEqual({ ...old, said: '' });
    const second = rig.hub.commit(REPO, { ...checkpoint, 'README.md': 'Better now.' });
    const now = await resolved();
    expect(now.said).toContain(`${REPO}@main has changed: ${second.slice(0, 12)}`);
    expect(now.model).not.toBe(old.model);
    expect((await resolved(`${NAME}@${first}`)).model).toBe(old.model);
    expect((await resolved(`https://hf.co/${REPO}`)).model).toBe(now.model);

    // Who is asked again and again says 429, what is down 503, what is no hub anything.
    for (const fault of [{ status: 503 }, { status: 401 }, { body: '<html>' }]) {
      rig.hub.faults = [fault];
      expect(await resolved()).toMatchObject({
        model: now.model,
        said: expect.stringMatching(/^Taking .* as it was\. /),
      });
    }
    await expect(resolved(`${NAME}@v9`)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_HUB_/),
    });
    // Neither the checkpoint nor the hub is needed for what is converted.
    rmSync(join(rig.home, 'hub'), { recursive: true });
    expect((await ask('--offline')).stdout).toBe(ANSWER);
  });

  test('has an adapter, which is no model, or nothing', async () => {
    const adapter = { 'adapter_config.json': '{}', 'adapter_model.safetensors': 'x' };
    rig.hub.commit('someone/adapter', adapter);
    await expect(resolved('someone/adapter')).rejects.toMatchObject({
      ...{ code: 'ERR_CHECKPOINT', message: expect.stringContaining('LoRA adapter') },
    });
    await expect(resolved('nobody/nothing')).rejects.toMatchObject({
      ...{
        code: 'ERR_HUB_UNAUTHORIZED',
        message: expect.stringMatching(/^There is no file or folder nobody\/nothing\. On/),
      },
    });
    expect(fromStorage()).toEqual([]);
  });

  test('is asked by load, which tells how far it is', async () => {
    rig.hub.commit(REPO, checkpoint);
    for (const [key, value] of Object.entries(rig.env)) vi.stubEnv(key, value);
    const stages: string[] = [];
    const onProgress = ({ stage }: LoadProgress) => stages.at(-1) !== stage && stages.push(stage);
    const options = { contextSize: 512, threads: 1, onProgress };
    await (await LlavaOneVision.load({ model: `${NAME}:q8_0`, ...options })).dispose();
    expect(stages.slice(0, 3)).toEqual(['download', 'convert', 'memory']);
    const again = await LlavaOneVision.load({ model: `${NAME}:q8_0`, offline: true, ...options });
    expect(again.info.visionBackend).not.toBeNull();
    await again.dispose();
    vi.unstubAllEnvs();
  });
});
