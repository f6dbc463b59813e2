/** What would be written for a checkpoint that a test makes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { openCheckpoint } from '../../src/convert/checkpoint.js';
import { planDecoder } from '../../src/convert/decoder-plan.js';
import type { GgufPlan } from '../../src/convert/gguf-plan.js';
import { findLayout, nameTensors } from '../../src/convert/layouts.js';
import { checkTensorKinds, leftOutNotes } from '../../src/convert/left-out.js';
import { planMmproj } from '../../src/convert/mmproj-plan.js';
import type { MmprojOuttype } from '../../src/convert/outtypes.js';
import {
  type CheckpointFiles,
  lmmsFiles,
  lmmsTensors,
  type TestTensor,
  writeCheckpoint,
} from './safetensors.js';

interface Draft {
  files: CheckpointFiles;
  tensors: Record<string, TestTensor>;
  outtype?: MmprojOuttype;
  hasPoolingHead?: boolean;
}

async function planCheckpoint(
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

export interface DraftRig extends Required<Pick<Draft, 'files' | 'tensors'>> {
  dir: string;
  /** That of `files`. */
  config: Record<string, unknown>;
  plan(outtype?: MmprojOuttype, hasPoolingHead?: boolean): ReturnType<typeof planCheckpoint>;
}

/** To be called once in a test file: a good checkpoint for each test, which it may spoil before it plans. */
export function draftRig(): DraftRig {
  const rig = {
    plan: (outtype: MmprojOuttype = 'f16', hasPoolingHead = false) =>
      planCheckpoint(rig.dir, { files: rig.files, tensors: rig.tensors, outtype, hasPoolingHead }),
  } as DraftRig;
  beforeEach(() => {
    rig.dir = mkdtempSync(join(tmpdir(), 'convert-plan-'));
    rig.files = lmmsFiles();
    rig.config = rig.files['config.json'] as Record<string, unknown>;
    rig.tensors = lmmsTensors();
  });
  afterEach(() => rmSync(rig.dir, { recursive: true }));
  return rig;
}

export const types = (gguf: GgufPlan) =>
  Object.fromEntries(gguf.tensors.map(({ name, type }) => [name, type]));

export const entries = (gguf: GgufPlan) =>
  Object.fromEntries(gguf.entries.map(({ key, value }) => [key, value]));
