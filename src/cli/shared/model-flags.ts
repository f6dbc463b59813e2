/** The options that say which model is loaded and how, for every command that answers. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BACKEND_CHOICES } from '../../addon/backend.js';
import type { LlavaOneVision, LoadOptions } from '../../index.js';
import type { MemoryEstimate } from '../../load/memory.js';
import { collect, collectLora, parseCount, parseNumber } from './flags.js';
import { givenFlags } from './given-flags.js';
import { type ModelNameFlags, namedFiles } from './named-model.js';
import { createProgress } from './progress.js';
import { describeDevices } from './stats.js';

export const GPU_NAMES = [
  'backend',
  'gpuLayers',
  'devices',
  'tensorSplit',
  'mainDevice',
] as const satisfies (keyof LoadOptions)[];

const NAMES = [
  ...GPU_NAMES,
  'lora',
  'rpcServers',
  'dialect',
  'threads',
  'contextSize',
  'kvType',
  'flashAttention',
  'kernels',
  'lookup',
  'multiImage',
  'maxPixels',
  'mediaTimeoutMs',
  'visualCacheDir',
  'ffmpegPath',
] as const;

export interface ModelFlags extends ModelNameFlags, Pick<LoadOptions, (typeof NAMES)[number]> {
  verbose?: true;
}

export function addModelOptions(command: Command): Command {
  command
    .option(
      '--lora <file[:scale]>',
      'a LoRA adapter made by convert, and how much of it (default: 1); may be given again',
      collectLora,
    )
    .addOption(
      new Option('--dialect <name>', 'reference to follow (default: what the mmproj says)').choices(
        ['llava-next', 'transformers'],
      ),
    )
    .option('--threads <n>', 'CPU threads (default: physical cores)', parseCount)
    .option('--context-size <n>', 'most tokens of prompt and answer together', parseCount);
  return addGpuOptions(command)
    .addOption(
      new Option(
        '--rpc, --rpc-servers <host:port>',
        'a machine that takes layers, by ggml-rpc-server; may be given again',
      ).argParser(collect),
    )
    .addOption(
      new Option('--kv-type <type>', 'type of the KV cache').choices(['f32', 'f16', 'q8_0']),
    )
    .addOption(
      new Option('--flash-attention <mode>', 'fused attention').choices(['auto', 'on', 'off']),
    )
    .addOption(
      new Option('--kernels <whose>', "of the CPU: ours where faster, or all llama.cpp's").choices([
        'auto',
        'ggml',
      ]),
    )
    .option('--lookup <n>', 'guess up to n tokens at a time from the text so far', parseCount)
    .addOption(
      new Option('--multi-image <mode>', 'what several pictures become (default: pad)').choices([
        'pad',
        'anyres',
        'pad-no-newline',
      ]),
    )
    .option('--max-pixels <n>', 'largest picture, in pixels (default: 100 million)', parseCount)
    .option('--media-timeout-ms <ms>', 'how long the server of a picture may be silent', parseCount)
    .option('--visual-cache-dir <folder>', 'keep what was seen of pictures for the next run')
    .option('--ffmpeg-path <file>', 'the ffmpeg that reads clips')
    .option('--verbose', "print llama.cpp's log to stderr");
}

/** What computes, and on which devices. */
export function addGpuOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--backend <name>', 'what computes (default: a GPU that is usable)').choices(
        BACKEND_CHOICES,
      ),
    )
    .option('--gpu-layers <n>', "layers on the GPU, or 'auto'", parseLayers)
    .option('--device, --devices <names>', 'GPUs to use, as doctor names them: A,B', parseNames)
    .option('--tensor-split <shares>', "each one's share of the layers: 3,1", parseShares)
    .option('--main-device <name>', 'the one that the vision tower runs on', String);
}

const parseLayers = (text: string) => (text === 'auto' ? text : parseCount(text));

function parseNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('Expected names with commas between.');
  return names;
}

const parseShares = (text: string) => text.split(',').map(parseNumber);

export interface LoadModelOptions {
  signal: AbortSignal;
  onMemory?: (memory: MemoryEstimate) => void;
  /** What the command decides and has no flag for. */
  more?: Partial<LoadOptions>;
}

/** Loads with progress bars. @throws what LlavaOneVision.load does */
export async function loadModel(
  flags: ModelFlags & { model: string },
  { signal, onMemory, more }: LoadModelOptions,
): Promise<LlavaOneVision> {
  // Imported here so that help and usage errors do not wait for it.
  const { LlavaOneVision } = await import('../../llava-onevision.js');
  const files = await namedFiles(flags, signal);
  const loading = createProgress('Loading');
  const model = await LlavaOneVision.load({
    ...givenFlags(flags, NAMES),
    ...files,
    ...more,
    signal,
    onProgress: ({ fraction, memory }) => {
      if (memory) onMemory?.(memory);
      loading.update(fraction);
    },
    ...(flags.verbose ? { log: LLAMA_LOG } : {}),
  }).finally(() => loading.stop());
  const { backend, memory, notes } = model.info;
  for (const note of notes) process.stderr.write(`Note: ${note}\n`);
  if (flags.verbose)
    process.stderr.write(
      `Backend: ${backend.name} (${backend.reason}), ${backend.file}\n${describeDevices(memory)}`,
    );
  return model;
}

/** Everything that llama.cpp says, to stderr. */
export const LLAMA_LOG: NonNullable<LoadOptions['log']> = {
  level: 'debug',
  write: (_level, text) => process.stderr.write(text.endsWith('\n') ? text : `${text}\n`),
};
