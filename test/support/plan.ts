/** What would be written for a checkpoint that a test makes. */
import { openCheckpoint } from '../../src/convert/checkpoint.js';
import { planDecoder } from '../../src/convert/decoder-plan.js';
import type { GgufPlan } from '../../src/convert/gguf-plan.js';
import { findLayout, nameTensors } from '../../src/convert/layouts.js';
import { checkTensorKinds, leftOutNotes } from '../../src/convert/left-out.js';
import { planMmproj } from '../../src/convert/mmproj-plan.js';
import type { MmprojOuttype } from '../../src/convert/outtypes.js';
import { type CheckpointFiles, type TestTensor, writeCheckpoint } from './safetensors.js';

export interface Draft {
  files: CheckpointFiles;
  tensors: Record<string, TestTensor>;
  outtype?: MmprojOuttype;
  hasPoolingHead?: boolean;
}

export async function planCheckpoint(
  dir: string,
  { files, tensors, outtype = 'f16', hasPoolingHead = false }: Draft,
) {
  writeCheckpoint(dir, files, tensors);
  const checkpoint = await openCheckpoint(dir);
  const layout = findLayout(checkpoint.config);
  checkTensorKinds(checkpoint.tensors.values());
  const named = nameTensors(layout, checkpoint.tensors.values());
  const { decoder, vision, unknown } = named;
  const hasHead = decoder.has('output.weight');
  const modelConfig = await layout.readConfig(checkpoint, { hasHead, hasPoolingHead });
  const { dialect } = layout;
  const options = { checkpoint, config: modelConfig, dialect, outtype, name: 'tiny' };
  const model = await planDecoder({ ...options, tensors: decoder });
  const mmproj = await planMmproj({ ...options, tensors: vision });
  const notes = [...modelConfig.notes, ...leftOutNotes(named, [model, mmproj])];
  return { model, mmproj, notes, unknown };
}

export const entries = (gguf: GgufPlan) =>
  Object.fromEntries(gguf.entries.map(({ key, value }) => [key, value]));
