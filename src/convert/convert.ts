/**
 * A published safetensors checkpoint in, a GGUF decoder and an mmproj out. Everything is planned and checked before the
 * first byte is written.
 */
import { join } from 'node:path';
import { native } from '../addon/load-addon.js';
import type { NativeBinding } from '../binding.js';
import type { Dialect } from '../dialect.js';
import { invalidArgument } from '../errors.js';
import { type CheckpointSource, sourceOfSnapshot } from '../hub/snapshot-source.js';
import { isRecord } from '../option-checks.js';
import { aChoice, aFlag, aPath, aSize, checkTable, type OptionCheck } from '../option-table.js';
import { type Checkpoint, openCheckpoint } from './checkpoint.js';
import { checkpointError } from './checkpoint-error.js';
import { planDecoder } from './decoder-plan.js';
import { checkDocuments, type DocumentOptions, writeDocuments } from './documents.js';
import { checkName, defaultName } from './file-name.js';
import { checkImatrix, readImatrix } from './imatrix.js';
import { leftOutNotes } from './left-out.js';
import { isLoraFolder } from './lora-config.js';
import { planMmproj } from './mmproj-plan.js';
import {
  type Output,
  WRITE_OPTIONS,
  type WriteOptions,
  type WrittenFile,
  writeOutputs,
} from './output-files.js';
import { type MmprojOuttype, mmprojOuttypes, type Outtype, outtypes } from './outtypes.js';
import { readLayout } from './read-layout.js';

export type { MmprojOuttype, Outtype } from './outtypes.js';

export interface ConvertOptions extends DocumentOptions, WriteOptions {
  /** Folder with config.json, tokenizer files and model.safetensors or its shards. */
  checkpoint: string;
  /** Folder for the two files, made if missing; files of the same names are replaced. */
  outdir: string;
  /** Type of the decoder's matrices; vectors are always f32. Default 'f16'. */
  outtype?: Outtype;
  /** Type of the vision tower's and projector's matrices. Default 'f16'. */
  mmprojOuttype?: MmprojOuttype;
  /** Importance matrix of llama-imatrix for the decoder's quantised types; those of three bits and fewer need one. */
  imatrix?: string;
  /** What the files and the model are called. Default: the repository's name where `source` tells it, else the folder's name, or
   *  its parent's for one named "checkpoint". */
  name?: string;
  /** Where the checkpoint came from, for the files' metadata. Default: what a folder in the hub's cache tells by its path. */
  source?: CheckpointSource;
  /** Bytes of tensors beyond which the decoder becomes several files, `NAME-00001-of-0000N.gguf`; the first opens it. */
  splitMaxSize?: number;
}

export interface ConvertResult {
  model: WrittenFile;
  mmproj: WrittenFile;
  /** Paths of the model card and the Modelfile, if asked for. */
  documents: string[];
  dialect: Dialect;
  durationMs: number;
  /** What a user may want to know: fallbacks, padding, tensors left out. */
  notes: string[];
}

/**
 * Converts a checkpoint. Needs memory for the vocabulary and some megabytes of rows, whatever the model's size.
 * @returns the files `NAME-OUTTYPE.gguf` and `mmproj-NAME-OUTTYPE.gguf` in `outdir`.
 * @throws ERR_CHECKPOINT naming file and tensor, ERR_WRITE, ERR_INVALID_ARGUMENT, signal.reason
 */
export async function convert(
  given: ConvertOptions,
  binding: NativeBinding = native(),
): Promise<ConvertResult> {
  const startedAt = performance.now();
  const options = await checkConvertOptions(given);
  options.signal?.throwIfAborted();
  if (await isLoraFolder(options.checkpoint))
    throw checkpointError(
      options.checkpoint,
      'it is a LoRA adapter (adapter_config.json); convertLora converts it.',
    );
  const checkpoint = await openCheckpoint(options.checkpoint);
  const { layout, outputs, notes } = await planConversion(checkpoint, options);
  const checksum = options.checksum || options.card;
  const written = await writeOutputs(outputs, { ...options, binding, checksum });
  const [mmproj, model] = written as [WrittenFile, WrittenFile];
  const { dialect } = layout;
  return {
    model,
    mmproj,
    documents: await writeDocuments(options, { model, mmproj, dialect }),
    dialect,
    durationMs: performance.now() - startedAt,
    notes,
  };
}

/** All that can be said without the checkpoint. @throws ERR_INVALID_ARGUMENT, ERR_WRITE, ERR_MODEL_LOAD */
export async function checkConvertOptions(given: ConvertOptions): Promise<ConvertOptions> {
  const options = checkTable<ConvertOptions>(given, CONVERT_OPTIONS, ['checkpoint', 'outdir']);
  await checkDocuments(options);
  await checkImatrix(options.imatrix, options.outtype ?? 'f16');
  return options;
}

const CONVERT_OPTIONS: Record<keyof ConvertOptions, OptionCheck> = {
  checkpoint: aPath,
  outdir: aPath,
  outtype: aChoice(outtypes),
  mmprojOuttype: aChoice(mmprojOuttypes),
  imatrix: aPath,
  name: checkName,
  source: checkSource,
  splitMaxSize: aSize,
  card: aFlag,
  modelfile: aFlag,
  force: aFlag,
  ...WRITE_OPTIONS,
};

function checkSource(_: string, source: unknown): void {
  const { repo, commit = '0'.repeat(40) } = isRecord(source) ? source : {};
  const isRepo = typeof repo === 'string' && /^[\w.-]+\/[\w.-]+$/.test(repo);
  if (!isRepo || typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit))
    throw invalidArgument('source', "{ repo: 'owner/name', commit?: 40 hex digits }", source);
}

/** The mmproj, then the decoder. @throws ERR_CHECKPOINT */
export async function planConversion(checkpoint: Checkpoint, options: ConvertOptions) {
  const {
    outtype = 'f16',
    mmprojOuttype = 'f16',
    source = sourceOfSnapshot(options.checkpoint),
    name = source?.repo.split('/')[1] ?? defaultName(options.checkpoint),
  } = options;
  const { layout, named, config } = await readLayout(checkpoint);
  const { dialect } = layout;
  const common = { checkpoint, name, dialect, ...(source && { source }) };
  const imatrix = options.imatrix === undefined ? undefined : await readImatrix(options.imatrix);
  const model = await planDecoder({
    ...common,
    config,
    tensors: named.decoder,
    outtype,
    ...(imatrix && { imatrix }),
  });
  const mmproj = await planMmproj({
    ...common,
    config,
    tensors: named.vision,
    outtype: mmprojOuttype,
  });
  const { outdir, splitMaxSize } = options;
  const outputs: Output[] = [
    { plan: mmproj, path: join(outdir, `mmproj-${name}-${mmprojOuttype}.gguf`) },
    {
      plan: model,
      path: join(outdir, `${name}-${outtype}.gguf`),
      ...(splitMaxSize !== undefined && { splitMaxSize }),
    },
  ];
  return {
    layout,
    outputs,
    notes: [
      ...config.notes,
      ...model.notes,
      ...mmproj.notes,
      ...leftOutNotes(named, [model, mmproj]),
    ],
  };
}
