/** One planned picture or clip to its visual rows: from the cache, or decode, cut or squash to tiles, encode by turns. */

import { LlavaError } from '../errors.js';
import type { RgbImage } from '../media/image.js';
import { isAllFinite } from '../vision/finite.js';
import type { CachedRows, TileListener } from '../vision/row-cache.js';
import { cutTiles } from '../vision/tiles.js';
import { encodeVideoRows } from '../vision/video-rows.js';
import { type EncodeOptions, encodeRows } from '../vision/visual-rows.js';
import type { Engine } from './engine.js';
import type { PlannedImage, PlannedMedia, PlannedVideo } from './planned-media.js';

export interface EncodeMediaOptions {
  signal: AbortSignal;
  /** Not called for rows that are in the cache. */
  onTile?: TileListener;
  /** Wall time of the two stages, if they run for this call; a clip's are reported frame by frame. */
  onTime?: (stage: 'decodeMs' | 'encodeMs', ms: number) => void;
}

type JobOptions = EncodeOptions & Pick<EncodeMediaOptions, 'signal' | 'onTime'>;

/** @returns [plan.rows, nEmbd] @throws ERR_IMAGE_DECODE, ERR_VIDEO_DECODE, ERR_ENCODE, signal.reason */
export function encodeMedia(
  media: PlannedMedia,
  engine: Engine,
  { signal, onTile, onTime }: EncodeMediaOptions,
): Promise<CachedRows> {
  const { nProjection, path } = engine.tower!.config;
  const encode = async (jobSignal: AbortSignal, report: TileListener) => {
    const takeTurn: EncodeOptions['takeTurn'] = (work) => engine.turns.tile(work, jobSignal);
    const options = { takeTurn, signal: jobSignal, onTile: report, onTime };
    const rows = await (media.kind === 'image'
      ? encodePicture(media, engine, options)
      : encodeClip(media, engine, options));
    if (!isAllFinite(rows)) throw notFinite(path);
    return rows;
  };
  const nValues = media.plan.rows * nProjection;
  return engine.rowCache.get(media.key, { nValues, encode, signal, onTile });
}

function notFinite(path: string): LlavaError {
  return new LlavaError(
    'ERR_ENCODE',
    `The vision tower of ${path} gave values that are no numbers; the file is damaged, or its type cannot hold them.`,
    { path },
  );
}

async function encodePicture(
  { image, plan }: PlannedImage,
  engine: Engine,
  options: JobOptions,
): Promise<Float32Array> {
  const tower = engine.tower!;
  const start = performance.now();
  const { signal } = options;
  const tiles = await cutTiles(await image.decode(), plan, { ...tower, signal });
  signal.throwIfAborted();
  const decoded = performance.now();
  options.onTime?.('decodeMs', decoded - start);
  const rows = await encodeRows(tiles, plan, tower, options);
  options.onTime?.('encodeMs', performance.now() - decoded);
  return rows;
}

async function encodeClip(
  { video, plan }: PlannedVideo,
  engine: Engine,
  options: JobOptions,
): Promise<Float32Array> {
  const indices = [...new Set(plan.frames)];
  const frames = timed(video.frames(indices, options.signal), options.onTime);
  return encodeVideoRows(frames, plan, engine.tower!, options);
}

/** Waiting for a frame is decoding, what happens between frames is encoding. */
async function* timed(
  frames: AsyncGenerator<RgbImage>,
  onTime: EncodeMediaOptions['onTime'],
): AsyncGenerator<RgbImage> {
  let since = performance.now();
  const lap = (stage: 'decodeMs' | 'encodeMs') => {
    const now = performance.now();
    onTime?.(stage, now - since);
    since = now;
  };
  try {
    for await (const frame of frames) {
      lap('decodeMs');
      yield frame;
      lap('encodeMs');
    }
    lap('decodeMs');
  } finally {
    lap('encodeMs');
  }
}
