/** What is known and decided before anything is taken: the files' headers, and the settings that were left open. */
import { devicesOf } from '../backend.js';
import type { NativeBinding, NativeDevice } from '../binding.js';
import { chooseGpus } from '../device-options.js';
import type { Dialect } from '../dialect.js';
import { invalidArgument, LlavaError } from '../errors.js';
import { readDecoderFile } from '../gguf/decoder-file.js';
import { fileFingerprint } from '../gguf/file-fingerprint.js';
import { checkLoraFits, type LoraFile, readLoraFile } from '../gguf/lora-file.js';
import type { LoadSettings } from '../load-options.js';
import { estimateMemory, type MemoryEstimate, planGpu } from '../memory.js';
import { readVisionConfig, type VisionConfig } from '../vision/vision-config.js';
import type { DecoderFacts, Engine } from './engine.js';

export interface ModelFiles {
  decoder: DecoderFacts;
  vision: VisionConfig | null;
  /** In the order of the settings. */
  lora: LoraFile[];
  fingerprints: Engine['fingerprints'];
}

/** What was decided where the settings left it open. */
export interface LoadPlan {
  contextSize: number;
  microBatchSize: number;
  flashAttention: LoadSettings['flashAttention'];
  gpuLayers: number;
  visionOnGpu: boolean;
  /** Those that are used; the tower runs on the first. */
  gpus: readonly NativeDevice[];
  threads: number;
  maxSequences: number;
  dialect: Dialect;
  lora: LoadSettings['lora'];
  memory: MemoryEstimate;
}

const DEFAULT_CONTEXT = 16384;
/** LLAMA_MAX_SEQ of llama.cpp. */
const MAX_NATIVE_SEQUENCES = 256;
const KEPT_PREFIXES = 8;
const MICRO_BATCH = 512;
const MICRO_BATCH_WITH_SCORES = 128;

/** @throws ERR_MODEL_LOAD, ERR_MODEL_MISMATCH */
export async function readModelFiles(settings: LoadSettings): Promise<ModelFiles> {
  const { model, mmproj } = settings;
  const decoder = await readDecoderFile(model);
  const vision = mmproj === undefined ? null : await readVisionConfig(mmproj);
  if (vision) checkMatch(decoder, vision);
  const paths = settings.lora.map(({ path }) => path);
  const lora = await Promise.all(paths.map(readLoraFile));
  for (const adapter of lora) checkLoraFits(adapter, decoder);
  const fingerprints = {
    decoder: await fileFingerprint(model),
    vision: mmproj === undefined ? null : await fileFingerprint(mmproj),
    lora: await Promise.all(paths.map(fileFingerprint)),
  };
  return { decoder, vision, lora, fingerprints };
}

/** @throws ERR_MODEL_MISMATCH */
export function checkMatch(decoder: DecoderFacts, vision: VisionConfig): void {
  if (vision.nProjection === decoder.nEmbd) return;
  throw new LlavaError(
    'ERR_MODEL_MISMATCH',
    `The mmproj makes rows of ${vision.nProjection} values but the decoder takes ${decoder.nEmbd}: ` +
      'they come from different checkpoints. Use the two files of one conversion.',
    { mmprojEmbd: vision.nProjection, modelEmbd: decoder.nEmbd, path: vision.path },
  );
}

export function planLoad(
  { decoder, vision, lora = [] }: Pick<ModelFiles, 'decoder' | 'vision'> & Partial<ModelFiles>,
  settings: LoadSettings,
  binding: Pick<NativeBinding, 'devices' | 'physicalCores'>,
): LoadPlan {
  const { k, v } = settings.kvType;
  if ((k === 'q8_0' || v === 'q8_0') && decoder.headDim % 32 !== 0) {
    const reason = `because heads of ${decoder.headDim} values are no multiple of 32`;
    throw invalidArgument('kvType', `f16 or f32, ${reason},`, 'q8_0');
  }
  const contextSize = settings.contextSize ?? Math.min(decoder.nCtxTrain, DEFAULT_CONTEXT);
  const maxSequences = nativeSequences(settings);
  const loraBytes = lora.reduce((sum, { tensorBytes }) => sum + tensorBytes, 0);
  const wish = { ...settings, maxSequences, decoder, vision, loraBytes, contextSize };
  const gpus = chooseGpus(settings, devicesOf(settings.backend, binding.devices()));
  const gpu = planGpu({ ...wish, microBatchSize: microBatch(settings) }, settings, gpus);
  const flashAttention = gpu.gpuLayers > 0 ? settings.flashAttention : onCpu(settings);
  const microBatchSize = microBatch({ ...settings, flashAttention });
  const attention = { flashAttention, microBatchSize };
  return {
    contextSize,
    ...attention,
    ...gpu,
    gpus,
    threads: settings.threads ?? binding.physicalCores(),
    maxSequences: settings.maxSequences,
    dialect: settings.dialect ?? vision?.dialect ?? 'llava-next',
    lora: settings.lora,
    memory: estimateMemory({ ...wish, ...attention, ...gpu }),
  };
}

/** llama.cpp v0.5.0 would take flash attention on CPUs too, but adds up f16 values in f16 there (ggml-cpu/ops.cpp,
 *  flash_attn_ext_f16_one_chunk): log-probabilities after a picture then differ from the reference by 0.03 and more. */
function onCpu({ flashAttention, kvType }: LoadSettings): LoadSettings['flashAttention'] {
  if (flashAttention !== 'auto') return flashAttention;
  return kvType.v === 'q8_0' ? 'on' : 'off';
}

/** Chats at one time, and prefixes that are kept beside them. */
export function nativeSequences({ maxSequences, prefixCache }: LoadSettings): number {
  return Math.min(MAX_NATIVE_SEQUENCES, maxSequences + (prefixCache ? KEPT_PREFIXES : 0));
}

function microBatch({
  microBatchSize,
  flashAttention,
  batchSize,
}: Pick<LoadSettings, 'microBatchSize' | 'flashAttention' | 'batchSize'>): number {
  const usual = flashAttention === 'off' ? MICRO_BATCH_WITH_SCORES : MICRO_BATCH;
  return microBatchSize ?? Math.min(batchSize, usual);
}
