/** Runs a script that uses the addon in a Node process of its own: exits, crashes and output are what is tested. */
import { spawnSync } from 'node:child_process';
import { backendFor } from '../../src/addon/load-addon.js';

export interface ChildResult {
  /** Null when a signal ended the process. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** What scripts start with: the addon, a loaded model, and steps to run with it. */
const PRELUDE = `
  import { createRequire } from 'node:module';
  const [path, addon] = process.argv.slice(1);
  const binding = createRequire(addon)(addon);
  const modelOptions = { path, gpuLayers: 0, mmap: true, mlock: false, vocabOnly: false };
  const contextOptions = {
    nCtx: 4096, nBatch: 2048, nUbatch: 512, nSeqMax: 2,
    kvTypeK: 'f16', kvTypeV: 'f16', flashAttention: 'auto',
  };
  const load = () => binding.loadModel(modelOptions, null, null);
  const open = async () => {
    const model = await load();
    const pool = new binding.ThreadPool(1);
    return { model, pool, context: await binding.createContext(model, pool, contextOptions) };
  };
  /** Takes a noticeable time. */
  const longStep = (context) =>
    context.step([{ sequence: 0, position: 0, data: new Int32Array(2048), sampler: null }]);
`;

/**
 * @param path of the model that `load` and `open` of the script take
 * @param options.flags of Node @param options.wrapper a command that runs the one after it
 */
export function runChild(
  script: string,
  path: string,
  { flags = [], wrapper = [] }: { flags?: string[]; wrapper?: string[] } = {},
): ChildResult {
  const { file } = backendFor('cpu').info;
  const node = [process.execPath, ...flags, '--input-type=module', '--eval'];
  const [command, ...args] = [...wrapper, ...node, PRELUDE + script, path, file];
  const child = spawnSync(command!, args, { encoding: 'utf8', timeout: 60_000 });
  const { status, signal, stdout, stderr } = child;
  return { status, signal, stdout, stderr };
}
