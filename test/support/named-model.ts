/** A hub with the demonstration's checkpoint under a published name, and an empty home for each test of models by name. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';
import { type CliOptions, cli, type Outcome } from './cli.js';
import { FakeHub } from './fake-hub.js';
import { type Files, folderFiles } from './hub-files.js';

export const DEMO = join(import.meta.dirname, '../../demo');
export const REPO = 'lmms-lab/llava-onevision-qwen2-0.5b-ov';
/** Its short name. */
export const NAME = '0.5b-ov';
export const PICTURE = join(DEMO, 'pictures/shape-1.jpg');
export const QUESTION = 'What color is the shape?';
export const ANSWER = 'Orange.\n';
export const checkpoint: Files = folderFiles(join(DEMO, 'checkpoint'));

export interface NamedModelRig {
  hub: FakeHub;
  home: string;
  env: Record<string, string>;
  run(args: string[], options?: CliOptions): Promise<Outcome>;
  /** Everything below the models' folder. */
  kept(): string[];
}

/** To be called once in a test file. */
export function namedModelRig(): NamedModelRig {
  const rig: NamedModelRig = {
    ...{ hub: undefined as unknown as FakeHub, home: '', env: {} },
    run: (args, options) => cli(args, { ...options, env: { ...rig.env, ...options?.env } }),
    kept: () => {
      const options = { recursive: true, withFileTypes: true } as const;
      const entries = readdirSync(join(rig.home, 'cache'), options);
      return entries
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort();
    },
  };
  beforeAll(async () => {
    rig.hub = await FakeHub.start();
  });
  afterAll(() => rig.hub.stop());
  beforeEach(() => {
    rig.hub.reset();
    rig.home = mkdtempSync(join(tmpdir(), 'named-model-'));
    rig.env = {
      ...{ HF_ENDPOINT: rig.hub.endpoint, HF_HOME: rig.home, HF_HUB_CACHE: '', HF_TOKEN: '' },
      ...{ HUGGINGFACE_HUB_CACHE: '', HF_HUB_OFFLINE: '', TRANSFORMERS_OFFLINE: '' },
      LLAVA_ONEVISION_CACHE: join(rig.home, 'cache'),
    };
  });
  afterEach(() => rmSync(rig.home, { recursive: true, force: true }));
  return rig;
}

const INDEX = pathToFileURL(join(PACKAGE_ROOT, 'dist/src/index.js')).href;

/** Resolves the name in a process of its own, which kills itself where `when` is true of the progress. */
export function killedWhen(
  rig: NamedModelRig,
  when: string,
  name = NAME,
): Promise<NodeJS.Signals | null> {
  const source = `
    const { resolveModel } = await import(${JSON.stringify(INDEX)});
    await resolveModel('${name}', { onProgress(p) { if (${when}) process.kill(process.pid, 'SIGKILL'); } });`;
  return new Promise((resolve) => {
    const env = { ...process.env, ...rig.env };
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { env });
    child.on('close', (_, signal) => resolve(signal));
  });
}
