/** What is known and decided before anything is taken: the files' headers, and the settings that were left open. */
import { type BackendInfo, devicesOf } from '../addon/backend.js';
import { defaultThreads, mostThreads } from '../addon/cores.js';
import type { NativeBinding, NativeDevice } from '../binding.js';
import type { Engine } from '../chat/engine.js';
import type { Dialect } from '../dialect.js';
import { invalidArgument, LlavaError } from '../errors.js';
import type { DecoderFacts } from '../gguf/decoder-file.js';
import { readDecoderFile } from '../gguf/decoder-file.js';
import { fileFingerprint } from '../gguf/file-fingerprint.js';
import { checkLoraFits, type LoraFile, readLoraFile } from '../gguf/lora-file.js';
import { readVisionConfig, type VisionConfig } from '../vision/vision-config.js';
import { chooseGpus } from './device-options.js';
import { leastOnGpu, planGpu } from './gpu-plan.js';
import { describe, nothingFits } from './gpu-shortage.js';
import type { LoadSettings } from './load-options.js';
import { estimateMemory, type MemoryEstimate } from './memory.js';
import type { MemoryOptions } from './memory-options.js';

export interface ModelFiles {
  decoder: DecoderFacts;
  vision: VisionConfig | null;
  /** In the order of the settings. */
  lora: LoraFile[];
  fingerprints: Engine['fingerprints'];
}

/** What a plan asks of the files: their headers, or what will be in them. */
export interface PlannedFiles {
  decoder: MemoryOptions['decoder'] & Pick<DecoderFacts, 'nCtxTrain'>;
  vision: (NonNullable<MemoryOptions['vision']> & Pick<VisionConfig, 'dialect'>) | null;
  lora?: readonly Pick<LoraFile, 'tensorBytes'>[];
}

/** What was decided where the settings left it open. */
export interface LoadPlan {
  contextSize: number;
  microBatchSize: number;
  flashAttention: LoadSettings['flashAttention'];
  /** The instruction set of our kernels; null: the CPU computes with ggml's alone. */
  kernels: string | null;
  /** The one that was chosen, or the CPU and why, where nothing fits on its devices. */
  backend: BackendInfo;
  gpuLayers: number;
  visionOnGpu: boolean;
  /** Those that are used; the tower runs on the first. */
  gpus: readonly NativeDevice[];
  /** Each one's share of the layers on GPUs. */
  shares: readonly number[];
  threads: number;
  /** What was asked for and is otherwise, in words. */
  notes: string[];
  maxSequences: number;
  dialect: Dialect;
  lora: LoadSettings['lora'];
  memory: MemoryEstimate;
}

/** What a plan asks of an addon. */
export interface PlanningAddon {
  binding: Pick<NativeBinding, 'devices' | 'physicalCores' | 'gpuTilesPerCall' | 'kernels'>;
  info: BackendInfo;
  /** Of the settings' `rpcServers`. */
  rpcDevices?: readonly NativeDevice[];
}

const DEFAULT_CONTEXT = 16384;
/** LLAMA_MAX_SEQ of llama.cpp. */
const MAX_NATIVE_SEQUENCES = 256;
const KEPT_PREFIXES = 8;
const MICRO_BATCH = 512;
const MICRO_BATCH_WITH_SCORES = 128;

/** @throws ERR_MODEL_LOAD, ERR_MODEL_MISMATCH */
export async function readModelFiles(settings: LoadSettings): Promise<ModelFiles> {
  const { model, mmproj = null } = settings;
  const decoder = await readDecoderFile(model);
  const vision = mmproj === null ? null : await readVisionConfig(mmproj);
  if (vision) checkMatch(decoder, vision);
  const paths = settings.lora.map(({ path }) => path);
  const lora = await Promise.all(paths.map(readLoraFile));
  for (const adapter of lora) checkLoraFits(adapter, decoder);
  const fingerprints = {
    decoder: await fileFingerprint(model),
    vision: mmproj === null ? null : await fileFingerprint(mmproj),
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

/** @throws ERR_INVALID_ARGUMENT, and where a GPU was asked for and gets nothing, ERR_OUT_OF_MEMORY, ERR_BACKEND_UNAVAILABLE */
export function planLoad(
  files: PlannedFiles,
  settings: LoadSettings,
  addon: PlanningAddon,
): LoadPlan {
  const { decoder, vision, lora = [] } = files;
  checkKvType(settings, decoder);
  const contextSize = settings.contextSize ?? Math.min(decoder.nCtxTrain, DEFAULT_CONTEXT);
  const options = {
    decoder,
    vision,
    contextSize,
    kvType: settings.kvType,
    nOutputs: nativeOutputs(settings),
    loraBytes: lora.reduce((sum, { tensorBytes }) => sum + tensorBytes, 0),
    gpuTilesPerCall: addon.binding.gpuTilesPerCall,
  };
  const onGpu = attention(settings, flashOnGpu(settings));
  const gpu = chooseGpuPart({ ...options, ...onGpu }, settings, addon);
  const { threads, notes } = chooseThreads(settings, addon.binding);
  const { instructionSet } = addon.binding.kernels();
  const kernels = settings.kernels === 'auto' ? instructionSet : null;
  const computes =
    gpu.gpuLayers > 0 ? onGpu : attention(settings, flashOnCpu(settings, kernels !== null));
  return {
    contextSize,
    ...computes,
    ...gpu,
    kernels,
    threads,
    notes,
    maxSequences: settings.maxSequences,
    dialect: settings.dialect ?? vision?.dialect ?? 'llava-next',
    lora: settings.lora,
    memory: estimateMemory({ ...options, ...computes, kernelThreads: kernels ? threads : 0 }, gpu),
  };
}

function chooseThreads(
  { threads }: LoadSettings,
  binding: PlanningAddon['binding'],
): Pick<LoadPlan, 'threads' | 'notes'> {
  const most = mostThreads();
  if (threads === undefined || threads <= most)
    return { threads: threads ?? defaultThreads(binding), notes: [] };
  const note = `threads: ${most} instead of ${threads}, since this process may use ${most} CPU${most > 1 ? 's' : ''} at a time`;
  return { threads: most, notes: [note] };
}

type GpuPart = Pick<LoadPlan, 'backend' | 'gpuLayers' | 'visionOnGpu' | 'gpus' | 'shares'>;

function chooseGpuPart(
  options: MemoryOptions,
  settings: LoadSettings,
  { binding, info, rpcDevices = [] }: PlanningAddon,
): GpuPart {
  const all = [...devicesOf(info.name, binding.devices()), ...rpcDevices];
  const { gpus, tensorSplit } = chooseGpus(settings, all);
  const { gpuLayers } = settings;
  const wish = { gpuLayers, visionOnGpu: towerWish(settings, gpus), tensorSplit };
  const plan = planGpu(options, wish, gpus);
  const backend = info;
  if ((info.name === 'cpu' && gpus.length === 0) || plan.gpuLayers > 0 || plan.visionOnGpu)
    return { ...plan, gpus, backend };
  const onCpu = (reason: string): GpuPart => ({
    ...plan,
    gpus: [],
    shares: [],
    backend: { ...info, name: 'cpu', reason: `${info.reason}; ${reason}` },
  });
  const isNamed = settings.backend !== 'auto' || rpcDevices.length > 0;
  if (gpus.length === 0) {
    const reason = `none of its devices can be used${all.map(({ name, problem }) => `; ${name}: ${problem}`).join('')}`;
    if (isNamed) throw noDevice(info, reason);
    return onCpu(reason);
  }
  const least = leastOnGpu(options, wish, gpus);
  if (least && isNamed) throw nothingFits(least);
  return least ? onCpu(`but ${least.devices.map(describe).join(' ')}`) : { ...plan, gpus, backend };
}

/** Pixels, and the rows of pictures, stay on this machine. */
function towerWish(
  { visionOnGpu }: LoadSettings,
  gpus: readonly NativeDevice[],
): LoadSettings['visionOnGpu'] {
  if (gpus[0]?.type !== 'rpc') return visionOnGpu;
  if (visionOnGpu !== true) return false;
  throw invalidArgument('visionOnGpu', "false or 'auto', without a GPU of this machine,", true);
}

function noDevice({ name, package: from, file }: BackendInfo, reason: string): LlavaError {
  return new LlavaError(
    'ERR_BACKEND_UNAVAILABLE',
    `The backend '${name}' of ${from ?? file} cannot be used: ${reason}.`,
    { backend: name, missing: 'device', tried: [from ?? file] },
  );
}

function checkKvType(
  { kvType: { k, v } }: LoadSettings,
  { headDim }: Pick<DecoderFacts, 'headDim'>,
): void {
  if ((k !== 'q8_0' && v !== 'q8_0') || headDim % 32 === 0) return;
  const reason = `because heads of ${headDim} values are no multiple of 32`;
  throw invalidArgument('kvType', `f16 or f32, ${reason},`, 'q8_0');
}

/** Our kernels add up in f32. llama.cpp v0.5.0 has flash attention on CPUs too, but adds up f16 values in f16 there
 *  (ggml-cpu/ops.cpp, flash_attn_ext_f16_one_chunk): log-probabilities after a picture then differ from the reference by
 *  0.03 and more. */
function flashOnCpu(settings: LoadSettings, isOurs: boolean): LoadSettings['flashAttention'] {
  const { flashAttention, kvType } = settings;
  if (flashAttention !== 'auto') return flashAttention;
  if (kvType.v === 'q8_0') return 'on';
  return isOurs && !isRounded(kvType) ? 'on' : 'off';
}

function flashOnGpu({ flashAttention, kvType }: LoadSettings): LoadSettings['flashAttention'] {
  return flashAttention === 'auto' && isRounded(kvType) && kvType.v !== 'q8_0'
    ? 'off'
    : flashAttention;
}

/** llama.cpp v0.5.0 casts an f32 cache to f16 for flash attention, all of it at every step, which loses both the precision
 *  it was chosen for and time. */
function isRounded({ k, v }: LoadSettings['kvType']): boolean {
  return k === 'f32' || v === 'f32';
}

/** Chats at one time, and prefixes that are kept beside them. */
export function nativeSequences({ maxSequences, prefixCache }: LoadSettings): number {
  return Math.min(MAX_NATIVE_SEQUENCES, maxSequences + (prefixCache ? KEPT_PREFIXES : 0));
}

/** A sample for each sequence, and for guesses what `lookup` asks for: of one chat, or of several together. */
export function nativeOutputs(settings: LoadSettings): number {
  return nativeSequences(settings) + settings.lookup;
}

function attention(
  { microBatchSize, batchSize }: LoadSettings,
  flashAttention: LoadSettings['flashAttention'],
): Pick<LoadPlan, 'flashAttention' | 'microBatchSize'> {
  const usual = flashAttention === 'off' ? MICRO_BATCH_WITH_SCORES : MICRO_BATCH;
  return { flashAttention, microBatchSize: microBatchSize ?? Math.min(batchSize, usual) };
}
