/** What a caller may say about loading a model, checked and completed. */
import { BACKEND_CHOICES, type BackendChoice } from '../addon/backend.js';
import type { NativeKvType } from '../binding.js';
import { DIALECTS, type Dialect } from '../dialect.js';
import { invalidArgument } from '../errors.js';
import type { FfmpegPaths } from '../media/ffmpeg-tools.js';
import { DEFAULT_MAX_PIXELS } from '../media/image.js';
import {
  checkBoolean,
  checkChoice,
  checkFunction,
  checkNumber,
  checkOptions,
  checkPath,
  checkSignal,
} from '../option-checks.js';
import { MULTI_IMAGE, type MultiImage } from '../vision/image-plan.js';
import { type DeviceOptions, type DeviceSettings, resolveDevices } from './device-options.js';
import { type LoraAdapter, type LoraSettings, resolveLora } from './lora-options.js';
import type { MemoryEstimate } from './memory.js';

export interface LoadProgress {
  /** 'memory' comes first, before anything is taken. */
  stage: 'memory' | 'decoder' | 'context' | 'vision';
  /** Of the whole load, 0-1. */
  fraction: number;
  /** With stage 'memory'. */
  memory?: MemoryEstimate;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface LoadOptions extends DeviceOptions {
  /** Path of the decoder, a GGUF file; the first file of a split one. */
  model: string;
  /** Path of its vision file. Without it the model takes text only. */
  mmproj?: string;
  /** Adapters to apply to the decoder, as `convertLora` makes them; several add up. */
  lora?: string | LoraAdapter | readonly (string | LoraAdapter)[];
  /** Positions that all chats at one time share, prompts and answers; one chat may use all of it, up to what the model
   *  was trained on. Costs memory: 12 KiB per position for the 0.5B model in f16, 56 KiB for the 7B one. A large picture
   *  takes up to 8,765 positions. Default: 16384, or what the model was trained on if that is less. */
  contextSize?: number;
  /** What computes. A named backend throws when it cannot be had; 'auto', the default, takes a GPU whose addon is installed
   *  and finds a device, else the CPU, and says so in `model.info.backend`. See docs/install.md. */
  backend?: BackendChoice;
  /** Decoder layers on the GPU, from the last. The output matrix counts as one and goes first, so one more than the model
   *  has is all. Default 'auto': as many as fit. */
  gpuLayers?: 'auto' | number;
  /** Whether the vision tower runs on the GPU. Default 'auto': if there is one and it fits. */
  visionOnGpu?: 'auto' | boolean;
  /** CPU threads, 1 to 512. Default: the physical cores this process may use. */
  threads?: number;
  /** Which reference to follow. Default: what the mmproj says, else 'llava-next'. */
  dialect?: Dialect;
  /** Positions decoded per step, 1 to 65536; an abort waits for the step under way. Default 512. */
  batchSize?: number;
  /** Positions computed at once, up to batchSize; decides the size of the compute buffers. Default 512, or 128 without
   *  flash attention, whose scores take heads × microBatchSize × contextSize numbers. */
  microBatchSize?: number;
  /** Type of the KV cache, one for both or { k, v }. Default 'f16'. */
  kvType?: NativeKvType | { k?: NativeKvType; v?: NativeKvType };
  /** Default 'auto': on GPUs that have it. Not on CPUs, where llama.cpp adds values up in f16 and log-probabilities come
   *  out wrong by hundredths. A q8_0 cache for v needs it, and is added up in f32. */
  flashAttention?: 'auto' | 'on' | 'off';
  /** Chats that generate at one time, 1 to 256; further ones wait in line. Default 8. */
  maxSequences?: number;
  /** Map the decoder's file instead of reading it. Default true. */
  useMmap?: boolean;
  /** Keep the weights out of swap. Default false. */
  useMlock?: boolean;
  /** Larger pictures are refused. Default 100 million. */
  maxPixels?: number;
  /** Turn pictures as their EXIF orientation says; the reference does not. Default true. */
  autoOrient?: boolean;
  /** What several images in one conversation become. Default 'pad', as the model was trained. */
  multiImage?: MultiImage;
  /** Memory for visual rows of pictures seen before, in bytes; 0 is off. A large picture of the 0.5B model takes 31 MB.
   *  Default 512 MiB. */
  visualCacheBytes?: number;
  /** Folder that keeps visual rows for later processes too; it is made if absent, and grows until you delete files in it. */
  visualCacheDir?: string;
  /** Keep what finished chats have left in the context until others need the room, so that a conversation that goes on,
   *  or another that begins alike, computes only what is new. Default true. */
  prefixCache?: boolean;
  /** Memory for what the context has no room for of that, or would slow other chats with, in bytes; 0 is off. A picture of
   *  3,000 positions takes 37 MB with the 0.5B model, 172 MB with the 7B. Default 512 MiB. */
  prefixCacheBytes?: number;
  /** Programs that read video files. Default: see docs/video-and-images.md. */
  ffmpegPath?: string;
  ffprobePath?: string;
  /** Cancels the load. */
  signal?: AbortSignal;
  /** What it throws fails the load. */
  onProgress?: (progress: LoadProgress) => void;
  /** Receives llama.cpp's log, which is silent otherwise. Of the whole process: the last load that asks for it gets all
   *  lines. What `write` throws is ignored. */
  log?: { level: LogLevel; write: (level: string, text: string) => void };
}

export interface LoadSettings
  extends Pick<
      LoadOptions,
      'mmproj' | 'contextSize' | 'threads' | 'dialect' | 'microBatchSize' | 'signal'
    >,
    DeviceSettings {
  model: string;
  lora: LoraSettings;
  backend: BackendChoice;
  gpuLayers: 'auto' | number;
  visionOnGpu: 'auto' | boolean;
  batchSize: number;
  kvType: { k: NativeKvType; v: NativeKvType };
  flashAttention: 'auto' | 'on' | 'off';
  maxSequences: number;
  useMmap: boolean;
  useMlock: boolean;
  maxPixels: number;
  autoOrient: boolean;
  multiImage: MultiImage;
  visualCacheBytes: number;
  visualCacheDir: string | undefined;
  prefixCache: boolean;
  prefixCacheBytes: number;
  ffmpeg: FfmpegPaths;
  onProgress: ((progress: LoadProgress) => void) | undefined;
  log: LoadOptions['log'];
}

const LOAD_OPTIONS = [
  ...['model', 'mmproj', 'lora', 'backend', 'devices', 'tensorSplit', 'mainDevice'],
  ...[
    'gpuLayers',
    'visionOnGpu',
    'contextSize',
    'threads',
    'dialect',
    'batchSize',
    'microBatchSize',
    'kvType',
  ],
  ...['flashAttention', 'maxSequences', 'useMmap', 'useMlock', 'maxPixels', 'autoOrient'],
  ...['multiImage', 'visualCacheBytes', 'visualCacheDir', 'prefixCache', 'prefixCacheBytes'],
  ...['ffmpegPath', 'ffprobePath', 'signal', 'onProgress', 'log'],
] as (keyof LoadOptions)[];

const KV_TYPES = ['f32', 'f16', 'q8_0'] as const;
const FLASH_ATTENTION = ['auto', 'on', 'off'] as const;
const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
const MAX_BATCH = 65536;
const DEFAULT_BATCH = 512;
const DEFAULT_CACHE_BYTES = 512 * 2 ** 20;

/** @throws ERR_INVALID_ARGUMENT */
export function resolveLoadOptions(given: unknown): LoadSettings {
  const options = checkOptions<LoadOptions>('options', given, LOAD_OPTIONS);
  const batchSize = checkCount('batchSize', options.batchSize, MAX_BATCH, DEFAULT_BATCH);
  const kvType = checkKvType(options.kvType);
  const flashAttention = checkChoice('flashAttention', options.flashAttention, {
    of: FLASH_ATTENTION,
    fallback: 'auto',
  });
  if (kvType.v === 'q8_0' && flashAttention === 'off')
    throw invalidArgument('flashAttention', "'auto' or 'on' with a q8_0 cache", flashAttention);
  return {
    ...resolveModel(options),
    ...resolveGpu(options),
    ...resolveDevices(options),
    batchSize,
    microBatchSize: checkCount('microBatchSize', options.microBatchSize, batchSize, undefined),
    kvType,
    flashAttention,
    // Every answer under way has its token in each step.
    maxSequences: checkCount(
      'maxSequences',
      options.maxSequences,
      Math.min(256, batchSize),
      Math.min(8, batchSize),
    ),
    useMmap: checkBoolean('useMmap', options.useMmap, true),
    useMlock: checkBoolean('useMlock', options.useMlock, false),
    maxPixels: checkCount('maxPixels', options.maxPixels, 2 ** 31 - 1, DEFAULT_MAX_PIXELS),
    ...resolveVisual(options),
    prefixCache: checkBoolean('prefixCache', options.prefixCache, true),
    prefixCacheBytes: checkBytes('prefixCacheBytes', options.prefixCacheBytes),
    onProgress: checkFunction('onProgress', options.onProgress),
    log: checkLog(options.log),
  };
}

function resolveModel(options: LoadOptions) {
  const { mmproj } = options;
  return {
    model: checkPath('model', options.model),
    mmproj: mmproj === undefined ? undefined : checkPath('mmproj', mmproj),
    lora: resolveLora(options.lora),
    contextSize: checkCount('contextSize', options.contextSize, 2 ** 24, undefined),
    threads: checkCount('threads', options.threads, 512, undefined),
    dialect: checkChoice('dialect', options.dialect, { of: DIALECTS, fallback: undefined }),
    signal: checkSignal('signal', options.signal),
  };
}

function resolveGpu(options: LoadOptions) {
  const backend = checkChoice('backend', options.backend, {
    of: BACKEND_CHOICES,
    fallback: 'auto' as const,
  });
  const gpuLayers =
    options.gpuLayers === 'auto'
      ? 'auto'
      : checkNumber('gpuLayers', options.gpuLayers, {
          ...{ min: 0, max: 1e6, integer: true },
          fallback: 'auto' as const,
        });
  const visionOnGpu =
    options.visionOnGpu === undefined || options.visionOnGpu === 'auto'
      ? 'auto'
      : checkBoolean('visionOnGpu', options.visionOnGpu, false);
  if (backend === 'cpu' && gpuLayers !== 'auto' && gpuLayers > 0)
    throw invalidArgument('gpuLayers', "0 or 'auto' with backend 'cpu'", gpuLayers);
  if (backend === 'cpu' && visionOnGpu === true)
    throw invalidArgument('visionOnGpu', "false or 'auto' with backend 'cpu'", visionOnGpu);
  return { backend, gpuLayers, visionOnGpu } satisfies Partial<LoadSettings>;
}

function checkBytes(name: string, value: unknown): number {
  const range = { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true };
  return checkNumber(name, value, { ...range, fallback: DEFAULT_CACHE_BYTES });
}

function resolveVisual(options: LoadOptions) {
  const { multiImage, visualCacheDir, ffmpegPath, ffprobePath } = options;
  const optionalPath = (name: string, path: unknown, what: string) =>
    path === undefined ? undefined : checkPath(name, path, what);
  return {
    autoOrient: checkBoolean('autoOrient', options.autoOrient, true),
    multiImage: checkChoice('multiImage', multiImage, {
      of: MULTI_IMAGE,
      fallback: 'pad' as const,
    }),
    visualCacheBytes: checkBytes('visualCacheBytes', options.visualCacheBytes),
    visualCacheDir: optionalPath('visualCacheDir', visualCacheDir, 'the path of a folder'),
    ffmpeg: {
      ffmpegPath: optionalPath('ffmpegPath', ffmpegPath, 'the path of a program'),
      ffprobePath: optionalPath('ffprobePath', ffprobePath, 'the path of a program'),
    },
  };
}

function checkCount<F>(name: string, value: unknown, max: number, fallback: F): number | F {
  return checkNumber(name, value, { min: 1, max, integer: true, fallback });
}

function checkKvType(option: LoadOptions['kvType']): LoadSettings['kvType'] {
  const check = (name: string, type: unknown) =>
    checkChoice(name, type, { of: KV_TYPES, fallback: 'f16' as const });
  if (typeof option !== 'object') return { k: check('kvType', option), v: check('kvType', option) };
  const { k, v } = checkOptions<{ k?: NativeKvType; v?: NativeKvType }>('kvType', option, [
    'k',
    'v',
  ]);
  return { k: check('kvType.k', k), v: check('kvType.v', v) };
}

function checkLog(option: LoadOptions['log']): LoadOptions['log'] {
  if (option === undefined) return undefined;
  const { level, write } = checkOptions<NonNullable<LoadOptions['log']>>('log', option, [
    'level',
    'write',
  ]);
  if (typeof write !== 'function') throw invalidArgument('log.write', 'a function', write);
  return { level: checkChoice('log.level', level, { of: LOG_LEVELS, fallback: 'warn' }), write };
}
