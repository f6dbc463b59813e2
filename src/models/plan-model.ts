/** What it takes to have a model's two files: nothing, a conversion, or a download before it. Asks the hub, writes nothing. */
import { readdir } from 'node:fs/promises';
import { needsImatrix } from '../convert/decoder-types.js';
import { type Outtype, outtypeOf } from '../convert/outtypes.js';
import { invalidArgument, type LlavaError } from '../errors.js';
import { modelLoadError, readGgufHead } from '../gguf/reader.js';
import { filesIn, filesOf, type ModelFiles } from './gguf-files.js';
import { listModels } from './model-cache.js';
import { parseModelName } from './model-name.js';
import {
  chooseType,
  type ModelPlan,
  type PlanOptions,
  pickEntry,
  type ReadyPlan,
  readyEntry,
} from './model-plan.js';
import { DEMO_CHECKPOINT, demoSource, folderSource, type ModelSource } from './model-source.js';
import { planRepo } from './plan-repo.js';

/** @throws ERR_INVALID_ARGUMENT, ERR_MODEL_LOAD, ERR_CHECKPOINT, ERR_OUT_OF_MEMORY, ERR_DISK_FULL, what `pull` does */
export async function planModel(name: string, options: PlanOptions = {}): Promise<ModelPlan> {
  const { model, type } = await parseModelName(name, options.type);
  if (type !== undefined && needsImatrix(type)) throw noImatrix(type);
  if (model.kind === 'file') return ready(await filesOf(await checkType(model.path, type)));
  if (model.kind === 'demo') return planCheckpoint(await demoSource(), DEMO_CHECKPOINT, type);
  if (model.kind === 'repo') return planRepo(model, name, { ...options, type });
  const files = await filesIn(model.path, type);
  if (!files && !(await isCheckpoint(model.path)))
    throw modelLoadError(
      model.path,
      'the folder holds no GGUF decoder and no checkpoint (config.json with safetensors).',
    );
  return files ? ready(files) : planCheckpoint(await folderSource(model.path), model.path, type);
}

async function isCheckpoint(folder: string): Promise<boolean> {
  const names = await readdir(folder);
  return names.some((name) => name === 'config.json' || name === 'adapter_config.json');
}

function noImatrix(type: Outtype): LlavaError {
  return invalidArgument(
    'type',
    `a type that needs no imatrix (convert the checkpoint with \`imatrix\`, and give the file)`,
    type,
  );
}

function ready(files: ModelFiles): ReadyPlan {
  return { state: 'ready', files, notes: [] };
}

/** A file has the type it has. */
async function checkType(path: string, type: Outtype | undefined): Promise<string> {
  if (type === undefined) return path;
  const { metadata } = await readGgufHead(path);
  const own = outtypeOf(metadata.get('general.file_type'));
  if (own !== type)
    throw invalidArgument(
      'type',
      `${own ?? 'none'}, which is what ${path} has (\`llava-onevision quantize\` makes another),`,
      type,
    );
  return path;
}

async function planCheckpoint(
  source: ModelSource,
  folder: string,
  type: Outtype | undefined,
): Promise<ModelPlan> {
  const entries = (await listModels(source.group)).filter(({ key }) => key === source.key);
  const entry = pickEntry(entries, type);
  if (entry) return readyEntry(entry);
  const choice = await chooseType(folder, type);
  return {
    ...{ state: 'convert', label: source.label, type, choice, notes: [] },
    ...{ downloadBytes: 0, convertBytes: choice.bytes },
    fetch: async () => ({ folder, source }),
  };
}
