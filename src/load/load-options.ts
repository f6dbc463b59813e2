/** What a caller may say about loading a model, checked and completed. */
import { BACKEND_CHOICES, type BackendChoice } from '../addon/backend.js';
import type { NativeKernelChoice, NativeKvType } from '../binding.js';
import { DIALECTS, type Dialect } from '../dialect.js';
import { LONGEST_DRAFT } from '../engine/drafts.js';
import { invalidArgument } from '../errors.js';
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from '../media/download.js';
import { DEFAULT_MAX_PIXELS } from '../media/image.js';
import {
  checkBoolean,
  checkChoice,
  checkFunction,
  checkNumber,
  checkOptions,
  checkPath,
  checkSignal,
  readable,
} from '../option-checks.js';
import { MULTI_IMAGE, type MultiImage } from '../vision/image-plan.js';
import {
  checkDevices,
  checkDevicesTogether,
  checkMainDevice,
  checkRpcServers,
  checkTensorSplit,
  type DeviceOptions,
} from './device-options.js';
import { type LoraAdapter, resolveLora } from './lora-options.js';
import type { MemoryEstimate } from './memory.js';

export interface LoadProgress {
  /** 'download' and 'convert' come where a name needs them, 'memory' first otherwise, before anything is taken. */
  stage: 'download' | 'convert' | 'memory' | 'decoder' | 'context' | 'vision';
  /** How much of the whole load is done, 0-1; of a download or a conversion, how much of that. */
  fraction: number;
  /** With stage 'memory'. */
  memory?: MemoryEstimate;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface LoadOptions extends DeviceOptions {
  /** The decoder, a GGUF file (the first of a split one), or a model's name as {@link resolveModel} takes it: a folder,
   *  `OWNER/NAME`, a published name such as "0.5b-ov", or "demo". */
  model: string;
  /** Path of its vision file. Default: the one that belongs to it; where there is none, or with null, the model takes text only. */
  mmproj?: string | null;
  /** A name is looked for on this machine only. Default: `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`. */
  offline?: boolean;
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
  /** CPU threads, 1 to 512, and no more than the CPUs that this process may use. Default: its physical cores. */
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
  /** Default 'auto': on GPUs that have it, and on CPUs where our kernels do it. Not with llama.cpp's own kernels there, which
   *  add values up in f16, so that log-probabilities come out wrong by hundredths, nor with an f32 cache, which llama.cpp
   *  would round to f16. A q8_0 cache for v needs it, and is added up in f32. */
  flashAttention?: 'auto' | 'on' | 'off';
  /** What computes on a CPU. Default 'auto': our own kernels, wherever they are faster than llama.cpp's, which 'ggml'
   *  leaves alone. The same for all models that a process has loaded at one time. */
  kernels?: NativeKernelChoice;
  /** Chats that generate at one time, 1 to 256; further ones wait in line. Default 8. */
  maxSequences?: number;
  /** Tokens, 0 to 64, that chats guess at a time unless they say otherwise: see `lookup` of a chat. Costs memory: two rows of
   *  logits for each, 1.2 MB together. Default 0: none. */
  lookup?: number;
  /** Map the decoder's file instead of reading it. Where others may write to it, read it: docs/security.md. Default true. */
  useMmap?: boolean;
  /** Keep the weights out of swap. Default false. */
  useMlock?: boolean;
  /** Larger pictures are refused. Default 100 million. */
  maxPixels?: number;
  /** How long the server of a picture or clip may send nothing, in milliseconds. Default 30,000. */
  mediaTimeoutMs?: number;
  /** Turn pictures as their EXIF or XMP orientation says; the reference does not. Default true. */
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

/** What each option takes, and what it is where it is not given. */
type Check<T> = (name: string, value: unknown) => T;

const CHECKS = {
  model: (name, value) => checkPath(name, value, 'a GGUF file, a folder or the name of a model'),
  mmproj: (name, value) => (value === null ? null : path()(name, value)),
  offline: (name, value) => (value === undefined ? undefined : checkBoolean(name, value, false)),
  lora: (_, value) => resolveLora(value),
  contextSize: count(2 ** 24),
  backend: choice(BACKEND_CHOICES, 'auto'),
  devices: (_, value) => checkDevices(value),
  tensorSplit: (_, value) => checkTensorSplit(value),
  mainDevice: (_, value) => checkMainDevice(value),
  rpcServers: (_, value) => checkRpcServers(value),
  gpuLayers: auto((name, value) =>
    checkNumber(name, value, { min: 0, max: 1e6, integer: true, fallback: 0 }),
  ),
  visionOnGpu: auto((name, value) => checkBoolean(name, value, false)),
  threads: count(512),
  dialect: choice(DIALECTS, undefined),
  batchSize: count(65536, 512),
  microBatchSize: count(65536),
  kvType: (_, value) => checkKvType(value as LoadOptions['kvType']),
  flashAttention: choice(['auto', 'on', 'off'], 'auto'),
  kernels: choice(['auto', 'ggml'], 'auto'),
  maxSequences: count(256),
  lookup: (name, value) =>
    checkNumber(name, value, { min: 0, max: LONGEST_DRAFT, integer: true, fallback: 0 }),
  useMmap: flag(true),
  useMlock: flag(false),
  maxPixels: count(2 ** 31 - 1, DEFAULT_MAX_PIXELS),
  mediaTimeoutMs: count(MAX_TIMEOUT_MS, DEFAULT_TIMEOUT_MS),
  autoOrient: flag(true),
  multiImage: choice(MULTI_IMAGE, 'pad'),
  visualCacheBytes: bytes(512 * 2 ** 20),
  visualCacheDir: path('the path of a folder'),
  prefixCache: flag(true),
  prefixCacheBytes: bytes(512 * 2 ** 20),
  ffmpegPath: path('the path of a program'),
  ffprobePath: path('the path of a program'),
  signal: checkSignal,
  onProgress: (name, value) => checkFunction(name, value as LoadOptions['onProgress']),
  log: (_, value) => checkLog(value as LoadOptions['log']),
} satisfies Record<keyof LoadOptions, Check<unknown>>;

type Checked = { [Name in keyof LoadOptions]-?: ReturnType<(typeof CHECKS)[Name]> };

export interface LoadSettings extends Checked {
  maxSequences: number;
}

const DEFAULT_SEQUENCES = 8;

/** @throws ERR_INVALID_ARGUMENT */
export function resolveLoadOptions(given: unknown): LoadSettings {
  const names = Object.keys(CHECKS) as (keyof LoadOptions)[];
  const options = checkOptions<LoadOptions>('options', given, names);
  const entries = names.map((name) => {
    const value = options[name];
    return [name, readable(name, value, () => CHECKS[name](name, value))];
  });
  const checked: Checked = Object.fromEntries(entries);
  const { batchSize, maxSequences = Math.min(DEFAULT_SEQUENCES, batchSize) } = checked;
  const settings = { ...checked, maxSequences };
  checkTogether(settings);
  return settings;
}

/** What options say of each other. */
function checkTogether(settings: LoadSettings): void {
  const { kvType, flashAttention, backend, gpuLayers, visionOnGpu, batchSize } = settings;
  if (kvType.v === 'q8_0' && flashAttention === 'off')
    throw invalidArgument('flashAttention', "'auto' or 'on' with a q8_0 cache", flashAttention);
  const hasServers = (settings.rpcServers?.length ?? 0) > 0;
  if (backend === 'cpu' && !hasServers && gpuLayers !== 'auto' && gpuLayers > 0)
    throw invalidArgument('gpuLayers', "0 or 'auto' with backend 'cpu'", gpuLayers);
  if (backend === 'cpu' && visionOnGpu === true)
    throw invalidArgument('visionOnGpu', "false or 'auto' with backend 'cpu'", visionOnGpu);
  // Every answer under way has its token in each step.
  for (const name of ['microBatchSize', 'maxSequences'] as const) {
    const value = settings[name];
    if (value !== undefined && value > batchSize)
      throw invalidArgument(name, `an integer from 1 to the batchSize of ${batchSize}`, value);
  }
  checkDevicesTogether(settings);
}

function path(expected?: string): Check<string | undefined> {
  return (name, value) => (value === undefined ? undefined : checkPath(name, value, expected));
}

function count(max: number): Check<number | undefined>;
function count(max: number, fallback: number): Check<number>;
function count(max: number, fallback?: number): Check<number | undefined> {
  return (name, value) => checkNumber(name, value, { min: 1, max, integer: true, fallback });
}

function bytes(fallback: number): Check<number> {
  const range = { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true, fallback };
  return (name, value) => checkNumber(name, value, range);
}

function flag(fallback: boolean): Check<boolean> {
  return (name, value) => checkBoolean(name, value, fallback);
}

function choice<const T extends string, const F extends T | undefined>(
  of: readonly T[],
  fallback: F,
): Check<T | F> {
  return (name, value) => checkChoice(name, value, { of, fallback });
}

function auto<T>(check: Check<T>): Check<T | 'auto'> {
  return (name, value) => (value === undefined || value === 'auto' ? 'auto' : check(name, value));
}

function checkKvType(option: LoadOptions['kvType']): { k: NativeKvType; v: NativeKvType } {
  const check = choice(['f32', 'f16', 'q8_0'], 'f16');
  if (typeof option !== 'object') {
    const type = check('kvType', option);
    return { k: type, v: type };
  }
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
  const levels = ['error', 'warn', 'info', 'debug'] as const;
  return { level: checkChoice('log.level', level, { of: levels, fallback: 'warn' }), write };
}
