/** Keeps the pictures of a conversation in memory, so that it stays what it was when files change and URLs expire. */

import type { ImageSource } from '../media/image.js';
import { readImageBytes } from '../media/image-bytes.js';
import type { ImagePart, Message, Part, VideoPart } from '../prompt/messages.js';

export class SessionMedia {
  readonly #held = new WeakMap<Part, Part>();

  /** The same messages with the bytes of pictures in place of paths and URLs, each read once. Clips in files stay where
   *  they are. @throws ERR_IMAGE_DECODE, signal.reason */
  async hold(messages: readonly Message[], signal: AbortSignal): Promise<Message[]> {
    const held: Message[] = [];
    for (const { role, content } of messages) {
      if (typeof content === 'string') held.push({ role, content });
      else {
        const parts: Part[] = [];
        for (const part of content) parts.push(await this.#holdPart(part, signal));
        held.push({ role, content: parts });
      }
    }
    return held;
  }

  async #holdPart(part: Part, signal: AbortSignal): Promise<Part> {
    const known = this.#held.get(part);
    if (known || part.type === 'text') return known ?? part;
    const held =
      part.type === 'image' ? await holdPicture(part, signal) : await holdClip(part, signal);
    this.#held.set(part, held);
    return held;
  }
}

async function holdPicture(part: ImagePart, signal: AbortSignal): Promise<ImagePart> {
  return { ...part, image: await holdSource(part.image, signal) };
}

async function holdClip(part: VideoPart, signal: AbortSignal): Promise<VideoPart> {
  if (!Array.isArray(part.video)) return part;
  const frames: ImageSource[] = [];
  for (const frame of part.video) frames.push(await holdSource(frame, signal));
  return { ...part, video: frames };
}

async function holdSource(source: ImageSource, signal: AbortSignal): Promise<ImageSource> {
  if (typeof source !== 'string' && !(source instanceof URL)) return source;
  return (await readImageBytes(source, signal)).bytes;
}
