/** Keeps the pictures of a conversation in memory, so that it stays what it was when files change and URLs expire. */

import type { ImageSource } from '../media/image.js';
import { readImageBytes } from '../media/image-bytes.js';
import type { SourceOptions } from '../media/source.js';
import type { ImagePart, Message, Part, VideoPart } from '../prompt/messages.js';

export class SessionMedia {
  readonly #held = new WeakMap<Part, Part>();

  /** The same messages with the bytes of pictures in place of paths and URLs, each read once. Clips in files stay where
   *  they are. @throws ERR_IMAGE_DECODE, signal.reason */
  async hold(messages: readonly Message[], options: SourceOptions): Promise<Message[]> {
    const held: Message[] = [];
    for (const message of messages) {
      if (typeof message.content === 'string') held.push(message);
      else {
        const content: Part[] = [];
        for (const part of message.content) content.push(await this.#holdPart(part, options));
        held.push({ ...message, content });
      }
    }
    return held;
  }

  async #holdPart(part: Part, options: SourceOptions): Promise<Part> {
    const known = this.#held.get(part);
    if (known || part.type === 'text') return known ?? part;
    const held =
      part.type === 'image' ? await holdPicture(part, options) : await holdClip(part, options);
    this.#held.set(part, held);
    return held;
  }
}

async function holdPicture(part: ImagePart, options: SourceOptions): Promise<ImagePart> {
  return { ...part, image: await holdSource(part.image, options) };
}

async function holdClip(part: VideoPart, options: SourceOptions): Promise<VideoPart> {
  if (!Array.isArray(part.video)) return part;
  const frames: ImageSource[] = [];
  for (const frame of part.video) frames.push(await holdSource(frame, options));
  return { ...part, video: frames };
}

async function holdSource(source: ImageSource, options: SourceOptions): Promise<ImageSource> {
  if (typeof source !== 'string' && !(source instanceof URL)) return source;
  return (await readImageBytes(source, options)).bytes;
}
