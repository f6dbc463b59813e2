/**
 * That bytes are what was asked for, before any decoder sees them: the format by its first bytes, the size by its header. Formats
 * are named one by one, for decoders of what nobody sends are where the holes are. Decodes no pixel; the reasons are our own
 * words, since those of decoders may tell of addresses and paths.
 */
import { LlavaError } from '../../errors.js';
import { probeClip } from '../../media/clip-probe.js';
import { findFfmpeg } from '../../media/ffmpeg-tools.js';
import { readImageHeader } from '../../media/image-decode.js';
import { formatName } from '../../media/sniff.js';
import { openVideoFile } from '../../media/video-file.js';
import type { MediaRules } from './media-rules.js';

export interface ContentOptions {
  kind: 'image' | 'video';
  rules: MediaRules;
  signal: AbortSignal;
  refuse: (reason: string) => LlavaError;
}

/** As many bytes tell the format. */
export const HEAD_BYTES = 512;

const PICTURES = ['JPEG', 'PNG', 'WebP', 'AVIF', 'HEIF', 'GIF', 'TIFF', 'BMP'];
const CLIPS = [
  ...['MP4', 'QuickTime', 'WebM or Matroska', 'AVI', 'MPEG', 'MPEG-TS', 'FLV', 'WMV', 'Ogg'],
  ...['GIF', 'PNG'],
];
/** Libvips and numpy of others fail beyond it; a line cannot be padded to a square. */
const MAX_SIDE = 1e6;
/** The most that a camera for everyday use records; a container may claim a second and hold a million frames. */
const MAX_FPS = 120;

/** By the first bytes, of which HEAD_BYTES are enough. @throws what `refuse` makes */
export function checkFormat(
  head: Uint8Array,
  { kind, refuse }: Pick<ContentOptions, 'kind' | 'refuse'>,
): void {
  if (head.length === 0) throw refuse('it is empty');
  const name = formatName(head);
  if (name !== undefined && (kind === 'image' ? PICTURES : CLIPS).includes(name)) return;
  const expected = kind === 'image' ? 'JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP' : 'a video file';
  throw refuse(`it is ${name ?? 'of an unknown format'}; expected ${expected}`);
}

/** @throws what `refuse` makes, ERR_FFMPEG_NOT_FOUND for a clip; an abort rejects */
export async function checkContent(bytes: Uint8Array, options: ContentOptions): Promise<void> {
  checkFormat(bytes, options);
  await (options.kind === 'image' ? checkPicture(bytes, options) : checkClip(bytes, options));
}

async function checkPicture(
  bytes: Uint8Array,
  { rules, refuse }: Pick<ContentOptions, 'rules' | 'refuse'>,
): Promise<void> {
  const header = await readImageHeader({ bytes, label: '' }, false).catch(() => {
    throw refuse(`it begins as ${formatName(bytes)}, but its header cannot be read`);
  });
  const { width, height } = header;
  if (width * height > rules.maxPixels || Math.max(width, height) > MAX_SIDE)
    throw refuse(`${width}×${height} pixels are more than the ${rules.maxPixels} allowed`);
}

async function checkClip(bytes: Uint8Array, options: ContentOptions): Promise<void> {
  const { rules, signal, refuse } = options;
  const tools = await findFfmpeg(rules);
  if (tools.ffprobe === undefined)
    throw new LlavaError('ERR_FFMPEG_NOT_FOUND', 'Clips need ffprobe beside ffmpeg here', {
      tried: ['ffprobe'],
    });
  const file = await openVideoFile(bytes, { signal });
  try {
    const clip = { ...file, label: '', tools, maxFramePixels: rules.maxPixels, signal };
    const facts = await probeClip(clip, tools.ffprobe);
    if (facts === undefined)
      throw refuse('it is damaged, has no picture, or is of a codec that is not decoded here');
    const { pixels, nPackets, seconds } = facts;
    if (pixels > rules.maxPixels)
      throw refuse(`its frames have more than the ${rules.maxPixels} pixels allowed`);
    if (seconds > rules.maxClipSeconds)
      throw refuse(`it is longer than the ${rules.maxClipSeconds} s allowed`);
    if (nPackets > rules.maxClipSeconds * MAX_FPS)
      throw refuse(`it has more frames than ${rules.maxClipSeconds} s at ${MAX_FPS} per second`);
  } finally {
    await file.remove();
  }
}
