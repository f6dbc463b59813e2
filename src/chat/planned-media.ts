/** The pictures and clips of a conversation: opened, and planned as this conversation uses them. Nothing is decoded. */
import { LlavaError } from '../errors.js';
import { type OpenedImage, openImage } from '../media/image.js';
import { openVideo } from '../media/video.js';
import type { ImagePart, MediaPart, VideoPart } from '../prompt/messages.js';
import type { ToolText } from '../prompt/tools.js';
import type { Grid } from '../vision/grid.js';
import { type ImagePlan, type MultiImage, planImage } from '../vision/image-plan.js';
import { rowKey } from '../vision/row-cache.js';
import { planVideo, type VideoPlan } from '../vision/video-plan.js';
import type { Engine } from './engine.js';
import { HeldVideo } from './held-video.js';
import { clipGeometry, imageGeometry, type MediaGeometry } from './media-geometry.js';

/** `key` names the visual rows: equal keys, equal rows. */
export type PlannedMedia = PlannedImage | PlannedVideo;

export interface PlannedImage {
  kind: 'image';
  key: string;
  image: OpenedImage;
  plan: ImagePlan;
}

export interface PlannedVideo {
  kind: 'video';
  key: string;
  video: HeldVideo;
  plan: VideoPlan;
}

/** What callers are told about a media part. */
export interface MediaSummary {
  kind: 'image' | 'video';
  /** Visual rows, newlines included. */
  rows: number;
  /** Tiles of a picture beside its overview; null for clips and for pictures of a single padded tile. */
  grid: Grid | null;
  /** Numbers of the frames of a clip that the model sees. */
  frames?: number[];
  /** Where a picture lies among its tiles, when a clip's frames are shown. */
  geometry: MediaGeometry;
}

export interface OpenOptions {
  signal: AbortSignal;
  multiImage?: MultiImage | undefined;
  /** Listed in the system message. */
  tools?: readonly ToolText[] | undefined;
  /** The answer goes on in the last message. */
  isContinued?: boolean | undefined;
  /** Whose cached rows are used. */
  cacheScope?: string | undefined;
}

/** Frames of a clip that are looked at unless its part says how many. */
const DEFAULT_FRAMES = 32;

/**
 * In the conversation's order; `closeMedia` lets go of them. The signal ends the opening only: what is opened may be in
 * use by an encoding that other chats wait for too.
 * @throws ERR_INVALID_ARGUMENT, ERR_IMAGE_DECODE, ERR_VIDEO_DECODE, ERR_FFMPEG_NOT_FOUND, signal.reason
 */
export async function openMedia(
  parts: readonly MediaPart[],
  engine: Engine,
  { signal, multiImage, cacheScope }: OpenOptions,
): Promise<PlannedMedia[]> {
  const opening = new AbortController();
  const onAbort = () => opening.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', onAbort);
  const imageCount = parts.filter(({ type }) => type === 'image').length;
  const shared = { signal: opening.signal, cacheScope };
  const images = { ...shared, imageCount, multiImage: multiImage ?? engine.multiImage };
  const opened = await Promise.allSettled(
    parts.map(async (part) => {
      try {
        return part.type === 'image'
          ? await openPicture(part, engine, images)
          : await openClip(part, engine, shared);
      } catch (error) {
        opening.abort(error);
        throw error;
      }
    }),
  );
  signal.removeEventListener('abort', onAbort);
  const media = opened.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  if (!opening.signal.aborted) return media;
  await closeMedia(media);
  throw opening.signal.reason;
}

/** Ends ffmpeg and deletes temporary copies, except where an encoding still needs them: they go when it ends. */
export async function closeMedia(media: readonly PlannedMedia[]): Promise<void> {
  await Promise.all(media.map((item) => item.kind === 'video' && item.video.release()));
}

export function describeMedia(media: PlannedMedia): MediaSummary {
  const { kind, plan } = media;
  const { rows, grid } = plan;
  if (media.kind === 'image')
    return { kind, rows, grid, geometry: imageGeometry(media.image, media.plan) };
  const { frames } = media.plan;
  return { kind, rows, grid, frames, geometry: clipGeometry(media.video.clip, frames) };
}

type PartOptions = { signal: AbortSignal; cacheScope: string | undefined };

/** What a picture's own wish makes of it, however many there are. */
const DETAILS = {
  auto: {},
  low: { imageCount: 2, multiImage: 'pad' },
  high: { multiImage: 'anyres' },
} as const;

async function openPicture(
  part: ImagePart,
  { tower, dialect, images, fingerprints }: Engine,
  options: { imageCount: number; multiImage: MultiImage } & PartOptions,
): Promise<PlannedImage> {
  const { config } = tower!;
  const image = await openImage(part.image, { ...images, signal: options.signal });
  const { imageCount, multiImage } = { ...options, ...DETAILS[part.detail ?? 'auto'] };
  const plan = planImage(image, config, { dialect, imageCount, multiImage });
  const whose = { tower: fingerprints.vision!, scope: options.cacheScope };
  return { kind: 'image', key: rowKey(image.hash, plan, whose), image, plan };
}

async function openClip(
  { video: source, frames }: VideoPart,
  { tower, dialect, images, ffmpeg, fingerprints }: Engine,
  { signal, cacheScope }: PartOptions,
): Promise<PlannedVideo> {
  const { config } = tower!;
  if (config.poolMode !== 'bilinear')
    throw new LlavaError(
      'ERR_INVALID_ARGUMENT',
      `Expected messages without video, because ${config.path} pools frames by '${config.poolMode}', which is not ` +
        "supported ('bilinear' is); pass frames as pictures instead",
      { argument: 'messages', expected: 'no video', received: 'a video' },
    );
  const { maxPixels: maxFramePixels, ...opening } = images;
  const options = { ...ffmpeg, ...opening, maxFramePixels, signal };
  const video = await openVideo(source, options);
  // Frames in a list were chosen already, unless there are many.
  const isFile =
    typeof source === 'string' || source instanceof URL || source instanceof Uint8Array;
  const fallback = isFile ? DEFAULT_FRAMES : Math.min(DEFAULT_FRAMES, video.nFrames);
  const plan = planVideo(video.nFrames, config, { dialect, frames: frames ?? fallback });
  const key = rowKey(video.hash, plan, { tower: fingerprints.vision!, scope: cacheScope });
  return { kind: 'video', key, video: new HeldVideo(video), plan };
}
