/** A LoRA adapter folder of PEFT in, a GGUF adapter out, as llama.cpp loads it. */
import { join } from 'node:path';
import { native } from '../addon/load-addon.js';
import type { NativeBinding } from '../binding.js';
import { loraRanks } from '../gguf/lora-targets.js';
import { sourceOfSnapshot } from '../hub/snapshot-source.js';
import { aChoice, aFlag, aPath, checkTable, type OptionCheck } from '../option-table.js';
import { checkName, defaultName } from './file-name.js';
import { generalEntries } from './general-entries.js';
import { fallbackNotes, type GgufPlan } from './gguf-plan.js';
import { checkAgainstBase, isCheckpointFolder, readLoraBase } from './lora-base.js';
import { type LoraConfig, readLoraConfig } from './lora-config.js';
import { LORA_OUTTYPES, type LoraOuttype, type LoraPlan, planLora } from './lora-plan.js';
import { readLoraTensors } from './lora-tensors.js';
import {
  WRITE_OPTIONS,
  type WriteOptions,
  type WrittenFile,
  writeOutputs,
} from './output-files.js';
import { baseType } from './outtypes.js';

export interface ConvertLoraOptions extends WriteOptions {
  /** Folder with adapter_config.json and adapter_model.safetensors. */
  adapter: string;
  /** Folder for the file, made if missing; a file of the same name is replaced. */
  outdir: string;
  /** 'f32', 'f16', 'bf16' or 'q8_0'. Default 'f16'. */
  outtype?: LoraOuttype;
  /** The model it was trained on, a checkpoint folder or a GGUF decoder, to compare sizes with. Default: the folder that
   *  adapter_config.json names, if there is one. */
  base?: string;
  /** Convert the decoder's part of an adapter that changes the vision tower or the projector too. Default false. */
  textOnly?: boolean;
  /** What the file is called. Default: the folder's name. */
  name?: string;
}

export interface ConvertLoraResult {
  adapter: WrittenFile;
  /** As in the file: matrices are scaled by alpha / rank. */
  alpha: number;
  /** Ranks that occur. */
  ranks: number[];
  durationMs: number;
  notes: string[];
}

/** @returns the file `NAME-lora-OUTTYPE.gguf` in `outdir`.
 *  @throws ERR_CHECKPOINT naming file and tensor, ERR_MODEL_LOAD for a base, ERR_WRITE, ERR_INVALID_ARGUMENT, signal.reason */
export async function convertLora(
  given: ConvertLoraOptions,
  binding: NativeBinding = native(),
): Promise<ConvertLoraResult> {
  const startedAt = performance.now();
  const options = checkLoraOptions(given);
  const { adapter: folder, outdir, outtype = 'f16', name = defaultName(folder) } = options;
  options.signal?.throwIfAborted();
  const config = await readLoraConfig(folder);
  const { pairs, notes } = await readLoraTensors(folder, options.textOnly === true);
  const lora = planLora(pairs, config, outtype);
  const comparison = await compareWithBase(lora, options.base, config);
  const plan = await planFile(lora, { folder, name, outtype, config });
  const path = join(outdir, `${name}-lora-${outtype}.gguf`);
  const [adapter] = await writeOutputs([{ path, plan }], { ...options, binding });
  return {
    adapter: adapter!,
    alpha: lora.alpha,
    ranks: loraRanks(lora.pairs),
    durationMs: performance.now() - startedAt,
    notes: [...notes, ...plan.notes, ...comparison],
  };
}

const LORA_OPTIONS: Record<keyof ConvertLoraOptions, OptionCheck> = {
  adapter: aPath,
  outdir: aPath,
  outtype: aChoice(LORA_OUTTYPES, ' for an adapter'),
  base: aPath,
  textOnly: aFlag,
  name: checkName,
  ...WRITE_OPTIONS,
};

/** All that can be said without the adapter. @throws ERR_INVALID_ARGUMENT */
export function checkLoraOptions(given: ConvertLoraOptions): ConvertLoraOptions {
  return checkTable<ConvertLoraOptions>(given, LORA_OPTIONS, ['adapter', 'outdir']);
}

async function planFile(
  { alpha, tensors }: LoraPlan,
  file: { folder: string; name: string; outtype: LoraOuttype; config: LoraConfig },
): Promise<GgufPlan> {
  const { folder, name, outtype, config } = file;
  const source = sourceOfSnapshot(folder);
  const general = await generalEntries({
    checkpoint: { path: folder },
    architecture: 'qwen2',
    type: 'adapter',
    name,
    outtype,
    tensors,
    ...(source && { source }),
    ...(/^[\w.-]+\/[\w.-]+$/.test(config.baseModel ?? '') && { baseModel: config.baseModel! }),
  });
  return {
    entries: [
      ...general,
      { key: 'adapter.type', type: 'string', value: 'lora' },
      { key: 'adapter.lora.alpha', type: 'f32', value: alpha },
    ],
    tensors,
    notes: fallbackNotes(tensors, baseType(outtype)),
  };
}

/** @returns notes. @throws ERR_CHECKPOINT, ERR_MODEL_LOAD */
async function compareWithBase(
  lora: LoraPlan,
  given: string | undefined,
  { baseModel }: LoraConfig,
): Promise<string[]> {
  const path = given ?? baseModel;
  const isThere = given !== undefined || (path !== undefined && (await isCheckpointFolder(path)));
  if (path === undefined || !isThere)
    return [
      'Not compared with the model it was made for, because that is not at hand and no base was given; loading ' +
        'compares it.',
    ];
  checkAgainstBase(lora, await readLoraBase(path), path);
  return [];
}
