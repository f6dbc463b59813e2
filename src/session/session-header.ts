/** A session as JSON and blobs: pictures, pixels and cache go into blobs, each content once. */
import { resolve } from 'node:path';
import { PromptKey } from '../engine/prompt-key.js';
import { sha256 } from '../files/sliced-hash.js';
import type { ImageSource } from '../media/image.js';
import type { VideoSource } from '../media/video.js';
import { isRecord } from '../option-checks.js';
import { IMAGE_DETAILS, type ImageDetail, type Message, type Part } from '../prompt/messages.js';
import {
  type Check,
  eitherOf,
  isCount,
  isHash,
  isSize,
  isText,
  listOf,
  oneOf,
  optional,
  record,
} from '../value-checks.js';
import { MULTI_IMAGE, type MultiImage } from '../vision/image-plan.js';
import type { KvState } from './kv-state.js';

export interface SavedSession {
  messages: Message[];
  multiImage: MultiImage | undefined;
  /** What the cache holds of it, and of which model and cache types. */
  kv: (KvState & { format: string }) | null;
}

export interface SessionHeader {
  /** In the order of the file; sha256 in hex. */
  blobs: { bytes: number; hash: string }[];
  messages: (Omit<Message, 'content'> & { content: string | SavedPart[] })[];
  multiImage?: string;
  kv: { blob: number; format: string; key: SavedSegment[] } | null;
}

type SavedPart =
  | { type: 'text'; text: string }
  | { type: 'image'; image: SavedPicture; detail?: ImageDetail }
  | { type: 'video'; video: SavedClip; frames?: number };

/** Bytes of a file, or with a size RGB pixels. */
interface SavedPicture {
  blob: number;
  width?: number;
  height?: number;
}

type SavedClip = { path: string } | { blob: number } | { frames: SavedPicture[] };

type SavedSegment = { tokens: number[] } | { media: string; rows: number };

export async function packSession({ messages, multiImage, kv }: SavedSession) {
  const blobs = new Blobs();
  const packed: SessionHeader['messages'] = [];
  for (const message of messages) {
    const { content } = message;
    packed.push({
      ...message,
      content: typeof content === 'string' ? content : await packParts(content, blobs),
    });
  }
  const header: SessionHeader = {
    blobs: blobs.entries,
    messages: packed,
    ...(multiImage ? { multiImage } : {}),
    kv: kv && {
      blob: await blobs.add(kv.bytes),
      format: kv.format,
      key: kv.key.segments.map((segment) =>
        'tokens' in segment ? { tokens: [...segment.tokens] } : segment,
      ),
    },
  };
  return { header, blobs: blobs.contents };
}

const isBlob = isCount;
const isPicture = record({ blob: isBlob, width: optional(isSize), height: optional(isSize) });
const isClip = eitherOf(
  record({ path: isText }),
  record({ blob: isBlob }),
  record({ frames: listOf(isPicture) }),
);
const isString: Check = (value) => typeof value === 'string';
const isPart = eitherOf(
  record({ type: oneOf(['text']), text: isString }),
  record({ type: oneOf(['image']), image: isPicture, detail: optional(oneOf(IMAGE_DETAILS)) }),
  record({ type: oneOf(['video']), video: isClip, frames: optional(isSize) }),
);
const isTokenId: Check = (value) => isCount(value) && (value as number) < 2 ** 31;
const isFilled: Check = (value) => Array.isArray(value) && value.length > 0;
const isSegment = eitherOf(
  record({ tokens: (value) => isFilled(value) && listOf(isTokenId)(value) }),
  record({ media: isText, rows: isSize }),
);
const isState = record({ blob: isBlob, format: isText, key: listOf(isSegment) });
const isCall = record({ id: isText, name: isText, arguments: isRecord });
const isMessage = record({
  role: isText,
  content: eitherOf(isString, listOf(isPart)),
  toolCalls: optional(listOf(isCall)),
  toolCallId: optional(isString),
});
const isHeader = record({
  blobs: listOf(record({ bytes: isCount, hash: isHash })),
  messages: listOf(isMessage),
  multiImage: optional(isText),
  kv: eitherOf((value) => value === null, isState),
});

/** @throws Error unless it is what `packSession` makes; whether messages go together is the model's to say */
export function checkHeader(value: unknown): SessionHeader {
  if (!isHeader(value)) throw new Error('its header is not that of a session');
  return value as SessionHeader;
}

/** @throws Error */
export function unpackSession(
  { messages, multiImage, kv }: SessionHeader,
  blobs: readonly Uint8Array[],
): SavedSession {
  const unpacked = messages.map(({ content, ...message }) => ({
    ...message,
    content: typeof content === 'string' ? content : content.map((part) => unpackPart(part, blobs)),
  }));
  return {
    messages: unpacked as Message[],
    multiImage: MULTI_IMAGE.find((name) => name === multiImage),
    kv: kv && {
      format: kv.format,
      bytes: blobAt(kv.blob, blobs),
      key: new PromptKey(
        kv.key.map((segment) =>
          'tokens' in segment ? { tokens: Int32Array.from(segment.tokens) } : segment,
        ),
      ),
    },
  };
}

class Blobs {
  readonly entries: SessionHeader['blobs'] = [];
  readonly contents: Uint8Array[] = [];

  async add(content: Uint8Array | Uint8ClampedArray): Promise<number> {
    const bytes = new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
    const hash = (await sha256(bytes)).toString('hex');
    const known = this.entries.findIndex((entry) => entry.hash === hash);
    if (known >= 0) return known;
    this.entries.push({ bytes: bytes.length, hash });
    return this.contents.push(bytes) - 1;
  }
}

/** In turn: each knows the contents before it. */
async function packParts(parts: readonly Part[], blobs: Blobs): Promise<SavedPart[]> {
  const packed: SavedPart[] = [];
  for (const part of parts) packed.push(await packPart(part, blobs));
  return packed;
}

async function packPart(part: Part, blobs: Blobs): Promise<SavedPart> {
  if (part.type === 'text') return part;
  if (part.type === 'image') return { ...part, image: await packPicture(part.image, blobs) };
  const { frames } = part;
  const video = await packClip(part.video, blobs);
  return { type: 'video', video, ...(frames === undefined ? {} : { frames }) };
}

/** @param source bytes or pixels: SessionMedia has read the others */
async function packPicture(source: ImageSource, blobs: Blobs): Promise<SavedPicture> {
  if (source instanceof Uint8Array) return { blob: await blobs.add(source) };
  const { width, height, data } = source as Exclude<typeof source, string | URL>;
  return { blob: await blobs.add(data), width, height };
}

async function packClip(source: VideoSource, blobs: Blobs): Promise<SavedClip> {
  if (source instanceof Uint8Array) return { blob: await blobs.add(source) };
  if (Array.isArray(source)) {
    const frames: SavedPicture[] = [];
    for (const frame of source) frames.push(await packPicture(frame, blobs));
    return { frames };
  }
  const text = String(source);
  return { path: /^[a-z]{2,}:/i.test(text) ? text : resolve(text) };
}

function unpackPart(part: SavedPart, blobs: readonly Uint8Array[]): unknown {
  if (part.type === 'image') return { ...part, image: unpackPicture(part.image, blobs) };
  if (part.type === 'video') return { ...part, video: unpackClip(part.video, blobs) };
  return part;
}

function unpackPicture({ blob, width, height }: SavedPicture, blobs: readonly Uint8Array[]) {
  const data = blobAt(blob, blobs);
  return width === undefined ? data : { width, height, data };
}

function unpackClip(clip: SavedClip, blobs: readonly Uint8Array[]): unknown {
  if ('path' in clip) return clip.path;
  if ('blob' in clip) return blobAt(clip.blob, blobs);
  return clip.frames.map((frame) => unpackPicture(frame, blobs));
}

function blobAt(index: number, blobs: readonly Uint8Array[]): Uint8Array {
  const blob = blobs[index];
  if (!blob) throw new Error('it refers to content that it does not hold');
  return blob;
}
