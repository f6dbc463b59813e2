/** What a load with the default options would do with a model's files on this machine; only their headers are read. */
import { backendFor } from '../../addon/load-addon.js';
import { resolveLoadOptions } from '../../load/load-options.js';
import { planLoad, readModelFiles } from '../../load/load-plan.js';
import { type MemoryEstimate, machineMemory } from '../../load/memory.js';
import type { ModelFiles } from '../../models/gguf-files.js';
import { planModel } from '../../models/plan-model.js';

export interface ModelReport {
  model: string;
  mmproj: string | null;
  backend: string;
  /** At most `layers` + 1: the last stands for the output matrix. */
  gpuLayers: number;
  layers: number;
  visionOnGpu: boolean;
  threads: number;
  contextSize: number;
  /** In bytes. */
  memory: MemoryEstimate;
  /** Free on all GPUs together, and whether the rest fits into this machine's memory. */
  gpuFree: number;
  fits: boolean;
}

/** What a name would need first. */
export interface ModelForecast {
  name: string;
  /** In bytes; of the conversion about. */
  download: number;
  convert: number;
  /** And why, once the checkpoint is there to tell. */
  type?: string;
  reason?: string;
  /** What else is to be said. */
  notes: string[];
}

export interface AskedModel {
  model: string;
  mmproj?: string;
  offline?: boolean;
}

/** Asks the hub about a name, writes nothing. @throws what resolveModel does, ERR_MODEL_MISMATCH, ERR_BINDING_NOT_FOUND */
export async function examineModel(asked: AskedModel): Promise<ModelReport | ModelForecast> {
  const { model, mmproj, offline } = asked;
  const plan = await planModel(model, { ...(offline !== undefined && { offline }) });
  if (plan.state === 'ready') return examineFiles({ ...plan.files, ...(mmproj && { mmproj }) });
  const { label, downloadBytes, convertBytes, choice, type, notes } = plan;
  const known = choice ?? (type && { type, reason: 'as asked for' });
  return {
    ...{ name: label, download: downloadBytes, convert: convertBytes, notes },
    ...(known && { type: known.type, reason: known.reason }),
  };
}

async function examineFiles(files: ModelFiles): Promise<ModelReport> {
  const settings = resolveLoadOptions(files);
  const modelFiles = await readModelFiles(settings);
  const plan = planLoad(modelFiles, settings, backendFor(settings.backend));
  const { memory, gpuLayers, visionOnGpu, threads, contextSize, gpus } = plan;
  return {
    model: files.model,
    mmproj: files.mmproj ?? null,
    backend: plan.backend.name,
    gpuLayers,
    layers: modelFiles.decoder.nLayer,
    visionOnGpu,
    threads,
    contextSize,
    memory,
    gpuFree: gpus.reduce((sum, { memoryFree }) => sum + memoryFree, 0),
    fits: memory.host <= machineMemory(),
  };
}
