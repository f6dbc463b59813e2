/** The options that say which model is loaded and how, for every command that answers. */
import { type Command, Option } from 'commander';
import type { LlavaOneVision, LoadOptions } from '../index.js';
import type { MemoryEstimate } from '../memory.js';
import { parseCount } from './flags.js';
import { pick } from './pick.js';
import { createProgress } from './progress.js';

const NAMES = [
  'model',
  'mmproj',
  'dialect',
  'threads',
  'contextSize',
  'gpuLayers',
  'kvType',
  'flashAttention',
  'multiImage',
  'visualCacheDir',
  'ffmpegPath',
] as const;

export interface ModelFlags extends Pick<LoadOptions, (typeof NAMES)[number]> {
  verbose?: true;
}

export function addModelFiles(command: Command): Command {
  return command
    .requiredOption('--model <file>', 'the decoder, a GGUF file made by convert')
    .requiredOption('--mmproj <file>', 'its vision tower, a GGUF file made by convert');
}

export function addModelOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--dialect <name>', 'reference to follow (default: what the mmproj says)').choices(
        ['llava-next', 'transformers'],
      ),
    )
    .option('--threads <n>', 'CPU threads (default: physical cores)', parseCount)
    .option('--context-size <n>', 'most tokens of prompt and answer together', parseCount)
    .option('--gpu-layers <n>', "layers on the GPU, or 'auto'", parseLayers)
    .addOption(
      new Option('--kv-type <type>', 'type of the KV cache').choices(['f32', 'f16', 'q8_0']),
    )
    .addOption(
      new Option('--flash-attention <mode>', 'fused attention').choices(['auto', 'on', 'off']),
    )
    .addOption(
      new Option('--multi-image <mode>', 'what several pictures become (default: pad)').choices([
        'pad',
        'anyres',
        'pad-no-newline',
      ]),
    )
    .option('--visual-cache-dir <folder>', 'keep what was seen of pictures for the next run')
    .option('--ffmpeg-path <file>', 'the ffmpeg that reads clips')
    .option('--verbose', "print llama.cpp's log to stderr");
}

const parseLayers = (text: string) => (text === 'auto' ? text : parseCount(text));

/** Loads with a progress bar. @throws what LlavaOneVision.load does */
export async function loadModel(
  flags: ModelFlags,
  { signal, onMemory }: { signal: AbortSignal; onMemory?: (memory: MemoryEstimate) => void },
): Promise<LlavaOneVision> {
  // Imported here so that help and usage errors do not wait for it.
  const { LlavaOneVision } = await import('../llava-onevision.js');
  const loading = createProgress('Loading');
  return LlavaOneVision.load({
    ...pick(flags, NAMES),
    signal,
    onProgress: ({ fraction, memory }) => {
      if (memory) onMemory?.(memory);
      loading.update(fraction);
    },
    ...(flags.verbose ? { log: { level: 'debug', write: printLog } } : {}),
  }).finally(() => loading.stop());
}

function printLog(_level: string, text: string): void {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
}
