/** A hub, a cache and an environment of their own for each test of `pull`. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { type PullOptions, type PullResult, pull } from '../../src/hub/pull.js';
import { FakeHub } from './fake-hub.js';
import { etagOf, type Files, folderFiles } from './hub-files.js';

export const REPO = 'someone/llava-demo';
export const WEIGHTS = 'model.safetensors';
/** Bytes that do not repeat. */
export const weights = createHash('shake256', { outputLength: 400_000 }).digest();
/** The demo's files, with weights that are quickly sent. */
export const checkpoint: Files = {
  ...folderFiles(join(import.meta.dirname, '../../demo/checkpoint')),
  [WEIGHTS]: weights,
};
/** Of the weights. */
export const etag = etagOf(WEIGHTS, weights);
/** Asks that a failure be tried again without a pause. */
export const now = { 'retry-after': '0' };

export interface PullRig {
  hub: FakeHub;
  cacheDir: string;
  /** Pulls from the hub into the cache. */
  get(repo?: string, options?: PullOptions): Promise<PullResult>;
  /** The repository's folder in the cache. */
  storage(): string;
  /** Names of its blobs. */
  blobs(): string[];
}

/** To be called once in a test file. */
export function pullRig(): PullRig {
  const rig: PullRig = {
    hub: undefined as unknown as FakeHub,
    cacheDir: '',
    get: (repo = REPO, options = {}) =>
      pull(repo, { endpoint: rig.hub.endpoint, cacheDir: rig.cacheDir, ...options }),
    storage: () => join(rig.cacheDir, `models--${REPO.replace('/', '--')}`),
    blobs: () => {
      const folder = join(rig.storage(), 'blobs');
      return existsSync(folder) ? readdirSync(folder) : [];
    },
  };
  beforeAll(async () => {
    rig.hub = await FakeHub.start();
  });
  afterAll(() => rig.hub.stop());
  beforeEach(() => {
    for (const name of Object.keys(process.env))
      if (/^(HF_|HUGGING|TRANSFORMERS_)/.test(name)) vi.stubEnv(name, '');
    rig.hub.reset();
    rig.cacheDir = mkdtempSync(join(tmpdir(), 'pull-'));
    vi.stubEnv('HF_HOME', join(rig.cacheDir, 'home'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(rig.cacheDir, { recursive: true, force: true });
  });
  return rig;
}

/** A checkpoint of a few bytes. */
export function small(extra: Files = {}): Files {
  return { 'config.json': '{}', 'tokenizer.json': '{"a":1}', [WEIGHTS]: 'weights', ...extra };
}
