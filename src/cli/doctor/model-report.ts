/** What a load with the default options would do with a model's files on this machine; only their headers are read. */
import { backendFor } from '../../addon/load-addon.js';
import { resolveLoadOptions } from '../../load/load-options.js';
import { planLoad, readModelFiles } from '../../load/load-plan.js';
import { type MemoryEstimate, machineMemory } from '../../load/memory.js';

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

/** @throws ERR_MODEL_LOAD, ERR_MODEL_MISMATCH, ERR_BINDING_NOT_FOUND */
export async function examineModel(files: {
  model: string;
  mmproj?: string;
}): Promise<ModelReport> {
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
