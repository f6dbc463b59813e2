/** Carries out a plan: one GGUF file, whole or some tensors at a time, written through the addon from the rows of other files. */

import { rm } from 'node:fs/promises';
import { defaultThreads } from '../addon/cores.js';
import type { NativeBinding, NativeGgufWriter } from '../binding.js';
import { withModelFiles } from '../gguf/metadata.js';
import { checkpointError } from './checkpoint-error.js';
import type { GgufEntry, GgufPlan, PlannedTensor } from './gguf-plan.js';
import { packTexts } from './packed-texts.js';
import type { SourceDigest } from './source-digest.js';
import { readRows } from './tensor-rows.js';

export interface WriteOptions {
  binding: NativeBinding;
  signal?: AbortSignal;
  /** Hash the sources on the way. */
  digest?: SourceDigest;
  /** After each chunk. @param bytes of source rows it held. */
  onRows(bytes: number, tensor: PlannedTensor): void;
}

/**
 * Writes and syncs `path`; on failure or abort no file is left.
 * @throws ERR_CHECKPOINT for a tensor with values that its type cannot hold, ERR_WRITE, signal.reason
 */
export async function writeGguf(
  path: string,
  plan: GgufPlan,
  options: WriteOptions,
): Promise<void> {
  let isDone = false;
  try {
    await carryOut(path, plan, { ...options, mode: 'write' });
    isDone = true;
  } finally {
    if (!isDone) await rm(path, { force: true });
  }
}

/** Reads sources and `path` again. @throws ERR_WRITE where the file is not what the plan makes of the sources. */
export async function checkGguf(
  path: string,
  plan: GgufPlan,
  options: WriteOptions,
): Promise<void> {
  await carryOut(path, plan, { ...options, mode: 'check' });
}

/**
 * Writes and syncs some tensors of a file that is there, perhaps without anything in it.
 * @param tensors of the plan, by their names; where they are read from may differ
 * @throws as writeGguf
 */
export async function writePieces(
  path: string,
  plan: GgufPlan,
  { tensors, ...options }: WriteOptions & { tensors: PlannedTensor[] },
): Promise<void> {
  await carryOut(path, plan, { ...options, mode: 'pieces', tensors });
}

/** Writes and syncs the header of a file whose tensors are there, or are to come. @throws ERR_WRITE */
export async function writeHeader(
  path: string,
  plan: GgufPlan,
  binding: NativeBinding,
): Promise<void> {
  await carryOut(path, plan, { binding, onRows: () => {}, mode: 'header', tensors: [] });
}

interface CarryOutOptions extends WriteOptions {
  mode: 'write' | 'check' | 'pieces' | 'header';
  tensors?: PlannedTensor[];
}

async function carryOut(
  path: string,
  plan: GgufPlan,
  { mode, tensors = plan.tensors, ...options }: CarryOutOptions,
): Promise<void> {
  const { binding } = options;
  const writer = new binding.GgufWriter(path, defaultThreads(binding), mode);
  try {
    if (plan.base) await copyMetadata(writer, plan.base);
    for (const entry of plan.entries) await setEntry(writer, entry);
    for (const { name, type, shape } of plan.tensors) writer.addTensor(name, type, shape);
    await writer.begin();
    const place = new Map(plan.tensors.map(({ name }, index) => [name, index]));
    const onTensor = ({ name }: PlannedTensor) =>
      mode === 'pieces' && writer.seek(place.get(name)!);
    await writeRows(writer, tensors, { ...options, onTensor });
    await writer.finish();
  } finally {
    await writer.dispose();
  }
}

async function copyMetadata(
  writer: NativeGgufWriter,
  { file, except }: NonNullable<GgufPlan['base']>,
): Promise<void> {
  await withModelFiles([file], async ([name]) => writer.copyMetadata(name!, except));
}

async function writeRows(
  writer: NativeGgufWriter,
  tensors: PlannedTensor[],
  { signal, digest, onRows, onTensor }: WriteOptions & { onTensor(tensor: PlannedTensor): void },
): Promise<void> {
  let current: PlannedTensor | undefined;
  for await (const { tensor, rows, stored } of readRows(tensors)) {
    signal?.throwIfAborted();
    if (tensor !== current) onTensor(tensor);
    current = tensor;
    const { source, type, importance } = tensor;
    const writing = writer.write(source.type, rows, importance);
    const [nBad] = await Promise.all([writing, digest?.add(tensor, stored)]);
    if (nBad > 0)
      throw checkpointError(
        source.file,
        `the tensor '${source.name}' has ${nBad} values that ${type} cannot hold (NaN, infinite or too large).`,
        { tensor: source.name },
      );
    onRows(rows.length, tensor);
  }
}

async function setEntry(writer: NativeGgufWriter, { key, type, value }: GgufEntry): Promise<void> {
  if (type === 'i32[]') writer.setArray(key, 'i32', value);
  else if (type === 'f32[]') writer.setArray(key, 'f32', value);
  else if (type === 'string[]') await writer.setStrings(key, await packTexts(value));
  else writer.setValue(key, type, value);
}
