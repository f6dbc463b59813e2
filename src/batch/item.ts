/**
 * One item of a batch as its caller writes it, checked: to the messages that ask it, an id that stays, and a digest of what
 * is asked. Pictures are not read; those in memory are hashed, by their bytes.
 */
import { createHash } from 'node:crypto';
import { invalidArgument, LlavaError } from '../errors.js';
import { sha256 } from '../files/sliced-hash.js';
import type { ImageSource } from '../media/image.js';
import type { VideoSource } from '../media/video.js';
import { checkOptions, isRecord } from '../option-checks.js';
import { type Message, type Part, validateMessages } from '../prompt/messages.js';

/** A question about pictures and clips, or a whole conversation. */
export interface BatchItem {
  /** What the answer is found by. Default: the path or URL, where one picture or clip is all that the item says; else a
   *  digest of what is asked. */
  id?: string;
  images?: readonly ImageSource[];
  videos?: readonly VideoSource[];
  /** Default: the batch's. */
  prompt?: string;
  /** In place of all that but the id. */
  messages?: readonly Message[];
}

/** What an item is asked with, unless it says otherwise. */
export interface Asking {
  prompt: string | undefined;
  system: string | undefined;
  /** Of each clip. */
  frames: number | undefined;
}

export interface AskedItem {
  id: string;
  messages: Message[];
  /** Equal for equal questions. */
  question: string;
}

const CLIP = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|wmv|flv|mts|m2ts|3gp|ogv)$/i;

/** Whether a path or URL names a clip. */
export function namesClip(source: string): boolean {
  return CLIP.test(/^https?:/i.test(source) ? source.replace(/[?#].*$/s, '') : source);
}

/** @param given a path or URL, or a BatchItem @throws ERR_INVALID_ARGUMENT */
export async function askedItem(given: unknown, index: number, asking: Asking): Promise<AskedItem> {
  const path = `items[${index}]`;
  const item = checkItem(given, path);
  const messages = checkMessages(item.messages ?? messagesOf(item, path, asking), path);
  const question = await digest(messages);
  const id = item.id ?? sourceOf(item) ?? question;
  return { id, messages, question };
}

function checkItem(given: unknown, path: string): BatchItem {
  if (typeof given === 'string' && given !== '')
    return namesClip(given) ? { videos: [given] } : { images: [given] };
  if (!isRecord(given)) throw invalidArgument(path, 'a path, a URL or { id, images, … }', given);
  const item = checkOptions<BatchItem>(path, given, [
    'id',
    'images',
    'videos',
    'prompt',
    'messages',
  ]);
  const { id, images, videos, prompt, messages } = item;
  if (id !== undefined && (typeof id !== 'string' || id === ''))
    throw invalidArgument(`${path}.id`, 'a text', id);
  if (prompt !== undefined && typeof prompt !== 'string')
    throw invalidArgument(`${path}.prompt`, 'a text', prompt);
  for (const [name, list] of Object.entries({ images, videos }))
    if (list !== undefined && !Array.isArray(list))
      throw invalidArgument(`${path}.${name}`, 'an array', list);
  if (messages !== undefined && (images ?? videos ?? prompt) !== undefined)
    throw invalidArgument(path, 'either messages or images, videos and prompt', 'both');
  return item;
}

function messagesOf(
  { images = [], videos = [], prompt }: BatchItem,
  path: string,
  { prompt: all, system, frames }: Asking,
): Message[] {
  const text = prompt ?? all;
  if (text === undefined)
    throw invalidArgument(`${path}.prompt`, 'a text, since the batch has no prompt,', undefined);
  const content: Part[] = [
    ...images.map((image): Part => ({ type: 'image', image })),
    ...videos.map((video): Part => ({ type: 'video', video, ...(frames && { frames }) })),
    { type: 'text', text },
  ];
  const user: Message = { role: 'user', content };
  return system === undefined ? [user] : [{ role: 'system', content: system }, user];
}

function checkMessages(messages: readonly Message[], path: string): Message[] {
  try {
    return validateMessages(messages);
  } catch (error) {
    if (!(error instanceof LlavaError)) throw error;
    throw new LlavaError(error.code, `${path}: ${error.message}`, { ...error, argument: path });
  }
}

/** The only thing that an item names. */
function sourceOf({ images = [], videos = [], prompt, messages }: BatchItem): string | undefined {
  const [source, ...more] = [...images, ...videos];
  if (messages !== undefined || prompt !== undefined || more.length > 0) return undefined;
  const isNamed = typeof source === 'string' || source instanceof URL;
  return isNamed && !/^data:/i.test(String(source)) ? String(source) : undefined;
}

async function digest(messages: readonly Message[]): Promise<string> {
  const told = await Promise.all(messages.map(tellMessage));
  return createHash('sha256').update(JSON.stringify(told)).digest('hex').slice(0, 16);
}

async function tellMessage({ content, ...rest }: Message) {
  if (typeof content === 'string') return { ...rest, content };
  return { ...rest, content: await Promise.all(content.map(tellPart)) };
}

async function tellPart(part: Part): Promise<unknown> {
  if (part.type === 'text') return part;
  if (part.type === 'image') return { ...part, image: await tellImage(part.image) };
  const { video } = part;
  const told = Array.isArray(video) ? Promise.all(video.map(tellImage)) : tellImage(video);
  return { ...part, video: await told };
}

/** A stream of frames, which can be read once, says nothing of itself. */
async function tellImage(source: unknown): Promise<unknown> {
  if (source instanceof Uint8Array) return (await sha256(source)).toString('hex');
  if (typeof source === 'string' || source instanceof URL) return source;
  const { width, height, data } = source as { width?: number; height?: number; data?: unknown };
  if (!ArrayBuffer.isView(data)) return 'a stream';
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { width, height, data: (await sha256(bytes)).toString('hex') };
}
