/**
 * A model's name to its two files. What is in place is found; what has to be fetched or converted first is, once, into the
 * cache: the next call, and other processes, find it there.
 */
import { byteSize } from '../byte-size.js';
import { type Outtype, parseOuttype } from '../convert/outtypes.js';
import { invalidArgument } from '../errors.js';
import type { PullProgress } from '../hub/pull.js';
import { aFlag, aFunction, aPath, aSignal, checkTable, type OptionCheck } from '../option-table.js';
import type { ModelFiles } from './gguf-files.js';
import { makeModel } from './make-model.js';
import { entryFiles, markUsed, modelsFolder } from './model-cache.js';
import { chooseType, type ModelPlan } from './model-plan.js';
import { planModel } from './plan-model.js';

export interface ResolveOptions {
  /** Type of the decoder, as `:TYPE` behind the name. Default: the best that fits this machine. */
  type?: Outtype;
  /** Its vision file, if not the one that belongs to it. */
  mmproj?: string;
  /** Use what is on this machine, ask no one. Default: `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`. */
  offline?: boolean;
  /** Keep the weights that are downloaded, which otherwise are deleted one by one as they are converted, where they are in
   *  several files. Default false. */
  keepCheckpoint?: boolean;
  /** What was downloaded is kept, and the next call goes on from there. */
  signal?: AbortSignal;
  /** Must not throw. */
  onProgress?: (progress: ResolveProgress) => void;
}

export type ResolveProgress =
  /** One line of what is about to be done, and why. */
  | { stage: 'note'; note: string }
  | ({ stage: 'download' } & PullProgress)
  /** @param fraction 0-1 of both files */
  | { stage: 'convert'; fraction: number; detail: string };

export type { ModelFiles };

const aType: OptionCheck = (name, value) => {
  if (typeof value !== 'string' || parseOuttype(value) !== value)
    throw invalidArgument(name, "a type such as 'q8_0'", value);
};

const RESOLVE_OPTIONS: Record<keyof ResolveOptions, OptionCheck> = {
  type: aType,
  mmproj: aPath,
  offline: aFlag,
  keepCheckpoint: aFlag,
  signal: aSignal,
  onProgress: aFunction,
};

/**
 * Finds a model, and fetches and converts it where it is not there yet. Two processes may do so at once.
 * @param name a GGUF file, a folder of a checkpoint or of GGUF files, `OWNER/NAME[@REVISION]` or its address, a published name
 *   such as "0.5b-ov", or "demo"; with `:TYPE` at will
 * @throws ERR_INVALID_ARGUMENT, ERR_MODEL_LOAD, ERR_CHECKPOINT, ERR_OUT_OF_MEMORY, ERR_DISK_FULL, ERR_WRITE, what `pull` does,
 *   signal.reason
 */
export async function resolveModel(name: string, given?: ResolveOptions): Promise<ModelFiles> {
  const options = checkTable<ResolveOptions>(given, RESOLVE_OPTIONS);
  if (typeof name !== 'string' || name === '' || name.includes('\0'))
    throw invalidArgument('model', 'a file, a folder or the name of a model', name);
  options.signal?.throwIfAborted();
  const plan = await planModel(name, options);
  for (const note of plan.notes) options.onProgress?.({ stage: 'note', note });
  const { model, mmproj } = await carryOut(plan, options);
  return { model, mmproj: options.mmproj ?? mmproj };
}

async function carryOut(plan: ModelPlan, options: ResolveOptions): Promise<ModelFiles> {
  if (plan.state === 'ready') {
    if (plan.entry) await markUsed(plan.entry);
    return plan.files;
  }
  const { onProgress, signal } = options;
  const convert = (fraction: number, detail: string) =>
    onProgress?.({ stage: 'convert', fraction, detail });
  const download = (progress: PullProgress) => onProgress?.({ stage: 'download', ...progress });
  const fetched = await plan.fetch({
    onProgress: download,
    ...(signal && { signal }),
  });
  if (fetched.files) return fetched.files;
  const { folder: checkpoint, source, weights } = fetched;
  const { type, reason, bytes } =
    plan.choice ?? (await chooseType(checkpoint, plan.type, weights?.readHeader));
  const tell = (note: string) => onProgress?.({ stage: 'note', note });
  tell(`${source.label}: ${type}, ${reason}; ${byteSize(bytes)} go into ${modelsFolder()}`);
  const isDefault = plan.type === undefined;
  let isTold = false;
  const onWait = () => {
    if (!isTold) tell(`${source.label} is being converted by another process, which is waited for`);
    isTold = true;
  };
  const entry = await makeModel(source, {
    ...{ checkpoint, weights, type, isDefault, needed: bytes },
    ...{ onDownload: download, onProgress: convert, onWait, signal },
  });
  return entryFiles(entry);
}
