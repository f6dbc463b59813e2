/** The sizes of the decoder that an adapter was made for, from a checkpoint folder or a GGUF file; reads headers only. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readDecoderFile } from '../gguf/decoder-file.js';
import { type LoraBase, misfit } from '../gguf/lora-targets.js';
import { openCheckpoint } from './checkpoint.js';
import { checkpointError } from './checkpoint-error.js';
import { readDecoderSizes } from './decoder-plan.js';
import { findLayout, nameTensors } from './layouts.js';
import type { LoraPlan } from './lora-plan.js';

/** @throws ERR_CHECKPOINT, ERR_MODEL_LOAD */
export async function readLoraBase(path: string): Promise<LoraBase> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) return readDecoderFile(path);
  const checkpoint = await openCheckpoint(path);
  const layout = findLayout(checkpoint.config);
  const { decoder: tensors } = nameTensors(layout, checkpoint.tensors.values());
  const facts = { hasHead: tensors.has('output.weight'), hasPoolingHead: false };
  const config = await layout.readConfig(checkpoint, facts);
  return { ...readDecoderSizes({ checkpoint, config, tensors }), isTied: config.isTied };
}

/** Whether a folder is there that could be the base. */
export async function isCheckpointFolder(path: string): Promise<boolean> {
  return (await stat(join(path, 'config.json')).catch(() => undefined)) !== undefined;
}

/** @throws ERR_CHECKPOINT naming the tensor that does not fit. */
export function checkAgainstBase({ pairs, tensors }: LoraPlan, base: LoraBase, path: string): void {
  for (const [i, pair] of pairs.entries()) {
    const problem = misfit(pair, base);
    const { file, name } = tensors[2 * i]!.source;
    if (problem)
      throw checkpointError(file, `the tensor '${name}' does not fit ${path}: ${problem}.`, {
        tensor: name,
      });
  }
}
