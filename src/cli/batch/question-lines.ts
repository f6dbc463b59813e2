/** Items of a JSONL: an object to a line, of `id`, `images`, `videos` and `prompt`, or `id` and `messages`. */
import { isAbsolute, resolve } from 'node:path';
import { LlavaError } from '../../errors.js';
import { type Line, readLines } from '../../files/lines.js';
import type { BatchItem, Message, Part } from '../../index.js';
import { isRecord } from '../../option-checks.js';

export interface LineSource {
  /** For messages. */
  name: string;
  chunks: AsyncIterable<unknown>;
  /** What relative paths are relative to. */
  folder: string;
}

/** @returns each line's item, and where it stands @throws ERR_INVALID_ARGUMENT */
export async function* questionLines(
  source: LineSource,
): AsyncGenerator<{ item: BatchItem; where: string }> {
  let number = 0;
  for await (const line of readLines(source.chunks)) {
    number++;
    const where = `${source.name}, line ${number}`;
    if (line.text.trim() !== '') yield { item: itemOf(line, source.folder, where), where };
  }
}

function itemOf({ text }: Line, folder: string, where: string): BatchItem {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw lineError(where, `it is not JSON (${(cause as Error).message})`, cause);
  }
  if (!isRecord(value)) throw lineError(where, 'expected an object');
  const { id, image, images = image, video, videos = video, messages, ...rest } = value;
  const sources = [images, videos].flat().filter((source) => source !== undefined);
  const isAlone = sources.length === 1 && typeof sources[0] === 'string';
  const ownId = id ?? (isAlone && rest.prompt === undefined ? sources[0] : undefined);
  return {
    ...rest,
    ...(ownId !== undefined && { id: typeof ownId === 'number' ? String(ownId) : ownId }),
    ...(images !== undefined && { images: placedList(images, folder) }),
    ...(videos !== undefined && { videos: placedList(videos, folder) }),
    ...(messages !== undefined && { messages: placedMessages(messages, folder) }),
  } as BatchItem;
}

function placedList(sources: unknown, folder: string): unknown[] {
  return [sources].flat().map((source) => placed(source, folder));
}

function placedMessages(messages: unknown, folder: string): unknown {
  if (!Array.isArray(messages)) return messages;
  return messages.map((message: Message) => {
    if (!isRecord(message) || !Array.isArray(message.content)) return message;
    return { ...message, content: message.content.map((part: Part) => placedPart(part, folder)) };
  });
}

function placedPart(part: unknown, folder: string): unknown {
  if (!isRecord(part)) return part;
  const { image, video } = part;
  const frames = Array.isArray(video) ? placedList(video, folder) : placed(video, folder);
  return {
    ...part,
    ...(image !== undefined && { image: placed(image, folder) }),
    ...(video !== undefined && { video: frames }),
  };
}

function placed(source: unknown, folder: string): unknown {
  if (typeof source !== 'string' || isAbsolute(source) || isUrl(source)) return source;
  return resolve(folder, source);
}

export function isUrl(text: string): boolean {
  return /^(https?|data|file):/i.test(text);
}

export function lineError(where: string, problem: string, cause?: unknown): LlavaError {
  return new LlavaError(
    'ERR_INVALID_ARGUMENT',
    `Cannot ask what ${where} says: ${problem}`,
    { argument: 'input', expected: 'a question', received: where },
    { cause },
  );
}
