/**
 * Everything about a clip that its number of frames decides: which frames are looked at, and the number and layout of
 * its visual rows. No pixels here. A frame is squashed to one tile whatever its shape, so its size plays no part.
 * @see LLaVA-NeXT llava/model/llava_arch.py get_2dPool, prepare_inputs_labels_for_multimodal (commit df17966)
 */
import { type Dialect, dialectRules } from '../dialect.js';
import { sampleFrames } from './frame-sampling.js';
import type { NewlineMode, VisionConfig } from './vision-config.js';

/** The part of VisionConfig that a clip's rows depend on. */
export type FrameGeometry = Pick<VisionConfig, 'side' | 'poolStride' | 'newlineMode'>;

export interface VideoPlan {
  kind: 'video';
  /** Frame numbers, ascending; a short clip repeats some. */
  frames: number[];
  grid: null;
  /** Tiles to encode, one for each different frame. */
  nTiles: number;
  /** Patches of a frame's side after pooling. */
  pooledSide: number;
  newlineMode: NewlineMode;
  /** Visual rows, newlines included. */
  rows: number;
}

/**
 * @param nFrames of the clip
 * @param options.frames how many to look at
 * @throws ERR_INVALID_ARGUMENT unless both are positive integers
 */
export function planVideo(
  nFrames: number,
  { side, poolStride, newlineMode }: FrameGeometry,
  options: { dialect: Dialect; frames: number },
): VideoPlan {
  const frames = sampleFrames(nFrames, options.frames, dialectRules(options.dialect).frameSampling);
  const pooledSide = Math.ceil(side / poolStride);
  const layout = { pooledSide, newlineMode };
  return {
    kind: 'video',
    frames,
    grid: null,
    nTiles: new Set(frames).size,
    ...layout,
    rows: frames.length * rowsPerFrame(layout) + (newlineMode === 'one_token' ? 1 : 0),
  };
}

/** Visual rows from the start of one frame to the start of the next. */
export function rowsPerFrame({
  pooledSide,
  newlineMode,
}: Pick<VideoPlan, 'pooledSide' | 'newlineMode'>): number {
  if (newlineMode === 'grid') return pooledSide * (pooledSide + 1);
  return pooledSide ** 2 + (newlineMode === 'frame' ? 1 : 0);
}
