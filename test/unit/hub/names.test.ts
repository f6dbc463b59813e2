/** Names, patterns and settings of the hub: pure rules. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { matchesAny } from '../../../src/hub/glob.js';
import { publishedModels } from '../../../src/hub/published-models.js';
import { looksLikeRepo, parseRepo } from '../../../src/hub/repo-id.js';
import { hubSettings } from '../../../src/hub/settings.js';

const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });

describe('repositories', () => {
  test.each([
    ['lmms-lab/llava', 'lmms-lab/llava', 'main'],
    ['a/b.c_d-e@v1.0', 'a/b.c_d-e', 'v1.0'],
    ['a/b@refs/pr/3', 'a/b', 'refs/pr/3'],
    ['0.5b-ov', 'lmms-lab/llava-onevision-qwen2-0.5b-ov', 'main'],
    ['72B-OV@dev', 'lmms-lab/llava-onevision-qwen2-72b-ov-sft', 'dev'],
  ])('%s', (text, repo, revision) => {
    expect(parseRepo(text)).toEqual({ repo, revision });
    expect(looksLikeRepo(text)).toBe(true);
  });

  test.each([
    ['https://huggingface.co/a/b', 'main'],
    ['https://huggingface.co/a/b/', 'main'],
    ['huggingface.co/a/b?library=transformers#readme', 'main'],
    ['https://hf.co/a/b/tree/main', 'main'],
    ['https://www.huggingface.co/a/b/tree/v1/sub/folder', 'v1'],
    ['https://huggingface.co/a/b/blob/dev/config.json', 'dev'],
    ['https://huggingface.co/a/b/resolve/abc/x.safetensors?download=true', 'abc'],
    ['https://huggingface.co/a/b/tree/refs%2Fpr%2F3', 'refs/pr/3'],
  ])('%s', (address, revision) => {
    expect(parseRepo(address)).toEqual({ repo: 'a/b', revision });
    expect(looksLikeRepo(address)).toBe(true);
  });

  test("addresses on HF_ENDPOINT's host are the hub's too", () => {
    expect(looksLikeRepo('https://hub.example:8080/a/b')).toBe(false);
    vi.stubEnv('HF_ENDPOINT', 'https://hub.example:8080/');
    expect(parseRepo('https://hub.example:8080/a/b').repo).toBe('a/b');
    vi.unstubAllEnvs();
  });

  test.each([
    'https://huggingface.co/datasets/a/b',
    'https://huggingface.co/datasets/a',
    'https://huggingface.co/spaces/a/b',
    'https://huggingface.co/a',
    'https://huggingface.co/a/b/discussions/1',
    'https://example.com/a/b',
    '',
    'a',
    'a/',
    '/b',
    'a/b/c',
    './b',
    '../b',
    '~/b',
    'a/b.git',
    'a/-b',
    'a/b.',
    'a--b/c',
    'a/b c',
    'C:\\x',
    'a/..b',
    'constructor',
    `a/${'b'.repeat(96)}`,
  ])('%j is none', (text) => {
    expect(looksLikeRepo(text)).toBe(false);
    expect(() => parseRepo(text)).toThrow(invalid);
  });

  test.each([
    '',
    '../x',
    'a/../b',
    'a//b',
    '/a',
    'a/',
    'a b',
    'a\nb',
    '.a',
    'x.lock',
    'a:b',
    'a\\b',
  ])('%j is no revision', (revision) => {
    expect(() => parseRepo('a/b', revision)).toThrow(invalid);
    expect(() => parseRepo(`a/b@${revision}`)).toThrow(invalid);
  });

  test('the revision may be given twice, if it is the same', () => {
    expect(parseRepo('a/b@v1', 'v1').revision).toBe('v1');
    expect(() => parseRepo('a/b@v1', 'v2')).toThrow(invalid);
  });

  test('all published models have names of repositories', () => {
    for (const repo of Object.values(publishedModels)) expect(parseRepo(repo).repo).toBe(repo);
    expect(Object.keys(publishedModels)).toHaveLength(8);
  });
});

test.each([
  ['model.safetensors', '*.safetensors', true],
  ['a/b/model.safetensors', '*.safetensors', true],
  ['model.safetensors.bak', '*.safetensors', false],
  ['modelXsafetensors', 'model.safetensors', false],
  ['onnx/model.onnx', 'onnx/', true],
  ['model-1.bin', 'model-[0-9].bin', true],
  ['model-1.bin', 'model-[!0-9].bin', false],
  ['model-12.bin', 'model-?.bin', false],
  ['a+(b).json', 'a+(b).json', true],
  ['[x', '[x', true],
])('%s matches %s: %s', (path, pattern, expected) => {
  expect(matchesAny(path, [pattern])).toBe(expected);
});

describe('settings', () => {
  const cache = async (env: Record<string, string>, options = {}) =>
    (await hubSettings(options, env)).cacheDir;

  test('the cache is where huggingface_hub has it', async () => {
    expect(await cache({})).toBe(join(homedir(), '.cache/huggingface/hub'));
    const env = { XDG_CACHE_HOME: '/x' };
    expect(await cache(env)).toBe('/x/huggingface/hub');
    expect(await cache({ ...env, HF_HOME: '/h' })).toBe('/h/hub');
    expect(await cache({ ...env, HF_HOME: '~/h' })).toBe(join(homedir(), 'h/hub'));
    expect(await cache({ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' })).toBe('/old');
    expect(await cache({ HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/new' })).toBe('/new');
    expect(await cache({ HF_HUB_CACHE: '/new' }, { cacheDir: '/option' })).toBe('/option');
    expect(await cache({ HF_HUB_CACHE: '', HF_HOME: '/h' })).toBe('/h/hub');
  });

  test('the token is the first of option, environment and file', async () => {
    const home = mkdtempSync(join(tmpdir(), 'hub-home-'));
    const path = join(home, 'elsewhere');
    writeFileSync(join(home, 'token'), 'stored\n');
    writeFileSync(path, 'other\n');
    const token = async (env: Record<string, string>, options = {}) =>
      (await hubSettings(options, { HF_HOME: home, ...env })).token;
    expect(await token({})).toBe('stored');
    expect(await token({ HF_TOKEN_PATH: path })).toBe('other');
    expect(await token({ HUGGING_FACE_HUB_TOKEN: 'old' })).toBe('old');
    expect(await token({ HUGGING_FACE_HUB_TOKEN: 'old', HF_TOKEN: ' new\n' })).toBe('new');
    expect(await token({ HF_TOKEN: 'new' }, { token: 'option' })).toBe('option');
    expect(await token({ HF_HOME: join(home, 'none') })).toBeUndefined();
    rmSync(home, { recursive: true });
  });

  test('offline, endpoint', async () => {
    const settings = (env: Record<string, string>, options = {}) => hubSettings(options, env);
    expect(await settings({})).toMatchObject({
      offline: false,
      endpoint: 'https://huggingface.co',
    });
    for (const yes of ['1', 'true', 'ON', 'Yes'])
      expect(await settings({ HF_HUB_OFFLINE: yes })).toMatchObject({ offline: true });
    expect(await settings({ TRANSFORMERS_OFFLINE: '1' })).toMatchObject({ offline: true });
    expect(await settings({ HF_HUB_OFFLINE: '0' })).toMatchObject({ offline: false });
    expect(await settings({ HF_HUB_OFFLINE: '1' }, { offline: false })).toMatchObject({
      offline: false,
    });
    const mirror = { HF_ENDPOINT: 'https://mirror.example/hf/' };
    expect(await settings(mirror)).toMatchObject({ endpoint: 'https://mirror.example/hf' });
    await expect(settings({ HF_ENDPOINT: 'mirror.example' })).rejects.toEqual(invalid);
  });
});
