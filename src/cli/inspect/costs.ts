/** What a decoder takes of memory and what pictures cost in an mmproj's rows, from the files' headers alone. */
import type { NativeKvType } from '../../binding.js';
import { invalidArgument } from '../../errors.js';
import { type DecoderFile, readDecoderFile } from '../../gguf/decoder-file.js';
import { resolveLoadOptions } from '../../load/load-options.js';
import { checkMatch, planLoad } from '../../load/load-plan.js';
import type { MemoryEstimate } from '../../load/memory.js';
import type { Grid, Size } from '../../vision/grid.js';
import { planImage } from '../../vision/image-plan.js';
import { planVideo } from '../../vision/video-plan.js';
import { readVisionConfig, type VisionConfig } from '../../vision/vision-config.js';

/** What tells the kind of a file. */
export interface Kind {
  path: string;
  metadata: Record<string, unknown>;
}

export interface CostOptions {
  /** Positions for a decoder. Default: what a load takes. */
  contextSize?: number;
  /** The mmproj that is loaded with a decoder. */
  mmproj?: string;
  /** Pixels of pictures for an mmproj. Default: common ones. */
  imageSizes?: Size[];
}

export interface DecoderCosts {
  /** Bytes without a GPU, by type of the KV cache. */
  memory?: {
    contextSize: number;
    hasVision: boolean;
    byKvType: Partial<Record<NativeKvType, MemoryEstimate>>;
  };
}

export interface VisualCosts {
  /** Visual rows, which are tokens of the prompt, of one picture. */
  images?: (Size & { tiles: number; rows: number })[];
  /** Tiles beside the overview of each of `images`. */
  grids?: Grid[];
  /** Rows of each of several pictures in a conversation, and of a clip. */
  otherMedia?: { oneOfSeveral: number; videoFrames: number; video: number };
}

const KV_TYPES = ['f32', 'f16', 'q8_0'] as const;
const VIDEO_FRAMES = 32;
/** Pixels: screens and cameras. */
const COMMON_SIZES: readonly Size[] = [
  [640, 480],
  [1024, 768],
  [1280, 720],
  [1920, 1080],
  [1080, 1920],
  [4000, 3000],
].map(([width, height]) => ({ width: width!, height: height! }));

/** Nothing for a file that is no decoder, or one that cannot be loaded: its header is worth showing all the same.
 *  @throws ERR_INVALID_ARGUMENT or ERR_MODEL_LOAD for such a file when a cost was asked for */
export async function decoderCosts(
  { path, metadata }: Kind,
  { contextSize, mmproj }: CostOptions,
): Promise<DecoderCosts> {
  const isAsked = contextSize !== undefined || mmproj !== undefined;
  if (metadata['general.architecture'] !== 'qwen2') {
    if (contextSize !== undefined)
      throw invalidArgument('contextSize', 'a decoder as the file', path);
    if (mmproj !== undefined) throw invalidArgument('mmproj', 'a decoder as the file', path);
    return {};
  }
  const decoder = await readDecoderFile(path).catch((error) => {
    if (isAsked) throw error;
  });
  if (!decoder) return {};
  const vision = mmproj === undefined ? null : await readVisionConfig(mmproj);
  if (vision) checkMatch(decoder, vision);
  // Blocks of q8_0 do not cross heads.
  const usable = KV_TYPES.filter((type) => type !== 'q8_0' || decoder.headDim % 32 === 0);
  const plans = usable.map((kvType) => planOnCpu({ decoder, vision }, { kvType, contextSize }));
  return {
    memory: {
      contextSize: plans[0]!.contextSize,
      hasVision: vision !== null,
      byKvType: Object.fromEntries(usable.map((kvType, i) => [kvType, plans[i]!.memory])),
    },
  };
}

/** As a load on a machine without GPUs would decide. */
function planOnCpu(
  files: { decoder: DecoderFile; vision: VisionConfig | null },
  options: { kvType: NativeKvType; contextSize: number | undefined },
) {
  const settings = resolveLoadOptions({ model: files.decoder.path, ...options });
  return planLoad(files, settings, {
    binding: {
      devices: () => [],
      physicalCores: () => 1,
      gpuTilesPerCall: 1,
      kernels: () => ({ instructionSet: null, types: [], counts: { asked: 0, taken: 0 } }),
    },
    info: { name: 'cpu', package: null, file: '', variant: null, reason: '' },
  });
}

/** Nothing for a file that is no mmproj of ours, or a malformed one.
 *  @throws ERR_INVALID_ARGUMENT or ERR_MODEL_LOAD for such a file when a cost was asked for */
export async function visualCosts(
  { path, metadata }: Kind,
  { imageSizes }: CostOptions,
): Promise<VisualCosts> {
  if (metadata['general.architecture'] !== 'clip') {
    if (imageSizes) throw invalidArgument('imageSize', 'an mmproj as the file', path);
    return {};
  }
  const config = await readVisionConfig(path).catch((error) => {
    if (imageSizes) throw error;
  });
  if (!config) return {};
  const { imageSize, dialect } = config;
  const sizes = imageSizes ?? [{ width: imageSize, height: imageSize }, ...COMMON_SIZES];
  const oneOf = planImage(sizes[0]!, config, { dialect, imageCount: 2 });
  const clip = planVideo(VIDEO_FRAMES, config, { dialect, frames: VIDEO_FRAMES });
  const plans = sizes.map((size) => planImage(size, config, { dialect, imageCount: 1 }));
  return {
    images: plans.map(({ nTiles, rows }, i) => ({ ...sizes[i]!, tiles: nTiles, rows })),
    grids: plans.map(({ grid }) => grid!),
    otherMedia: { oneOfSeveral: oneOf.rows, videoFrames: VIDEO_FRAMES, video: clip.rows },
  };
}
