/** A sample as one user message, laid out as the reference harness does it. */

import { LlavaError } from '../errors.js';
import type { ImageSource } from '../media/image.js';
import type { VideoSource } from '../media/video.js';
import type { Part } from '../prompt/messages.js';

/** How many frames of every clip; a shorter one repeats some, as the reference's linspace does. */
const FRAMES = 32;
const PLACEHOLDER = '<image>';

export interface QuestionMedia {
  images: readonly ImageSource[];
  /** A file, or the frames of a folder. */
  video?: VideoSource;
  /** A clip as a list; empty for none. */
  frames: readonly ImageSource[];
}

/**
 * Pictures and clip first, then the text on a line of its own. Where the text has the literal `<image>`, each stands for
 * one picture instead; the prompt builder then puts line feeds between text and pictures that the reference does not.
 * @throws ERR_EVAL_DATA when there are not as many pictures as places
 */
export function questionContent(prompt: string, { images, video, frames }: QuestionMedia): Part[] {
  const media: Part[] = [
    ...images.map((image): Part => ({ type: 'image', image })),
    ...(video === undefined ? [] : [{ type: 'video', video, frames: FRAMES } as const]),
    ...(frames.length === 0 ? [] : [{ type: 'video', video: [...frames] } as const]),
  ];
  if (media.length > 0 && prompt.includes(PLACEHOLDER)) return interleaved(prompt, media);
  // The prompt builder puts a line feed after media only before text that has none of its own.
  const isGlued = media.length > 0 && prompt.startsWith('\n');
  return [...media, { type: 'text', text: isGlued ? `\n${prompt}` : prompt }];
}

function interleaved(prompt: string, media: readonly Part[]): Part[] {
  const texts = prompt.split(PLACEHOLDER);
  if (texts.length - 1 !== media.length)
    throw new LlavaError(
      'ERR_EVAL_DATA',
      `The prompt has ${texts.length - 1} places for pictures, but the sample has ${media.length}`,
    );
  return texts.flatMap((text, i): Part[] => {
    const part = media[i];
    return [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...(part ? [part] : [])];
  });
}
