/**
 * A server that speaks OpenAI's chat completions. Pictures go as data URLs, in the place they have in the prompt; a clip
 * as one `video_url`, or, for servers without clips, as the frames that the model would see, each a PNG picture.
 */
import sharp from 'sharp';
import { readWhole } from '../files/read-whole.js';
import type { ImageSource, RgbImage } from '../media/image.js';
import { readImageBytes } from '../media/image-bytes.js';
import { VIDEO } from '../media/media-kind.js';
import { mediaType } from '../media/sniff.js';
import { openVideo } from '../media/video.js';
import type { Part, VideoPart } from '../prompt/messages.js';
import { sampleFrames } from '../vision/frame-sampling.js';
import type { Asker } from './asker.js';
import { type ChatApiOptions, chatCompletion } from './chat-api.js';

export interface EndpointOptions extends ChatApiOptions {
  /** How clips are sent. Default 'url'. */
  video?: 'url' | 'frames';
  ffmpegPath?: string;
}

/** As LLaVA-OneVision was trained; a template that adds its own adds none beside it. */
const SYSTEM = { role: 'system', content: 'You are a helpful assistant.' };
const FRAMES = 32;

export function endpointAsker(options: EndpointOptions): Asker {
  const { url, model } = options;
  return {
    identity: { kind: 'endpoint', url, model, video: options.video ?? 'url' },
    label: `${model} at ${url}`,
    async ask({ content, maxTokens }, signal) {
      const parts = await Promise.all(content.map((part) => apiParts(part, options, signal)));
      const messages = [SYSTEM, { role: 'user', content: parts.flat() }];
      const request = { messages, temperature: 0, max_tokens: maxTokens };
      return { visualTokens: 0, ...(await chatCompletion(options, request, signal)) };
    },
  };
}

/** A picture's bytes as they are. @throws ERR_IMAGE_DECODE */
export async function imageDataUrl(image: ImageSource, signal?: AbortSignal): Promise<string> {
  if (typeof image === 'object' && 'data' in image) return pngUrl(image as RgbImage);
  const { bytes } = await readImageBytes(image, { signal });
  return `data:${mediaType(bytes) ?? 'application/octet-stream'};base64,${Buffer.from(bytes).toString('base64')}`;
}

async function apiParts(
  part: Part,
  options: EndpointOptions,
  signal: AbortSignal,
): Promise<object[]> {
  if (part.type === 'text') return [part];
  if (part.type === 'image') return [imageUrl(await imageDataUrl(part.image, signal))];
  const { video } = part;
  if (Array.isArray(video) || options.video === 'frames') return framesOf(part, options, signal);
  const bytes = await readWhole(String(video), { maxBytes: VIDEO.maxFileBytes, signal });
  const url = `data:video/mp4;base64,${bytes.toString('base64')}`;
  return [{ type: 'video_url', video_url: { url } }];
}

const imageUrl = (url: string) => ({ type: 'image_url', image_url: { url } });

async function framesOf(
  { video: source, frames }: VideoPart,
  { ffmpegPath }: EndpointOptions,
  signal: AbortSignal,
): Promise<object[]> {
  await using video = await openVideo(source, { signal, ...(ffmpegPath && { ffmpegPath }) });
  const count = frames ?? Math.min(FRAMES, video.nFrames);
  const parts: object[] = [];
  for await (const frame of video.frames(sampleFrames(video.nFrames, count, 'linspace')))
    parts.push(imageUrl(await pngUrl(frame)));
  return parts;
}

async function pngUrl({ width, height, data }: RgbImage): Promise<string> {
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}
