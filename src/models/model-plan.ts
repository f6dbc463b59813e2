/** What it takes to have a model's two files: the result of planning, and what its makers share. */

import type { ReadWeights } from '../convert/checkpoint.js';
import type { Outtype } from '../convert/outtypes.js';
import { bytesOf, plannedSizes } from '../convert/planned-sizes.js';
import type { PullProgress } from '../hub/pull.js';
import { bestType, type TypeChoice } from './default-type.js';
import type { ModelFiles } from './gguf-files.js';
import type { LentWeights } from './lent-weights.js';
import { entryFiles, type ModelEntry } from './model-cache.js';
import type { ModelSource } from './model-source.js';

export interface ReadyPlan {
  state: 'ready';
  files: ModelFiles;
  /** In the cache; undefined for files of the user's. */
  entry?: ModelEntry;
  notes: string[];
}

export interface FetchOptions {
  onProgress?: (progress: PullProgress) => void;
  signal?: AbortSignal;
}

export interface MakePlan {
  state: 'convert' | 'download';
  label: string;
  /** As asked for. */
  type: Outtype | undefined;
  /** Known once the checkpoint is on the disk. */
  choice?: SizedChoice;
  /** In bytes; of the conversion about. */
  downloadBytes: number;
  convertBytes: number;
  /** What is about to happen, a line each. */
  notes: string[];
  /** Downloads what is missing. */
  fetch(options: FetchOptions): Promise<Fetched>;
}

export interface Fetched {
  /** Of the checkpoint. */
  folder: string;
  source: ModelSource;
  /** Where the repository holds GGUF files: nothing is to be converted. */
  files?: ModelFiles;
  /** Those that the folder lacks: each is to be downloaded, converted and let go. */
  weights?: LentWeights;
}

export type ModelPlan = ReadyPlan | MakePlan;

export interface SizedChoice extends TypeChoice {
  /** Of both files. */
  bytes: number;
}

export interface PlanOptions {
  type?: Outtype;
  offline?: boolean;
  keepCheckpoint?: boolean;
  signal?: AbortSignal;
}

/** The one of the type, or the one whose type was chosen for this machine. */
export function pickEntry(
  entries: readonly ModelEntry[],
  type: Outtype | undefined,
): ModelEntry | undefined {
  return entries.find((entry) => (type === undefined ? entry.isDefault : entry.type === type));
}

export function readyEntry(entry: ModelEntry, notes: string[] = []): ReadyPlan {
  return { state: 'ready', files: entryFiles(entry), entry, notes };
}

/** Reads headers of a checkpoint. @throws ERR_CHECKPOINT, ERR_OUT_OF_MEMORY */
export async function chooseType(
  folder: string,
  type: Outtype | undefined,
  readWeights?: ReadWeights,
): Promise<SizedChoice> {
  const sizesFor = await plannedSizes(folder, readWeights);
  const choice = type ? { type, reason: 'as asked for' } : bestType(sizesFor);
  return { ...choice, bytes: bytesOf(sizesFor(choice.type)) };
}
