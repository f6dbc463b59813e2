/**
 * A request made ready to be asked: media fetched, the prompt laid out, what can never fit refused. All of it before the first
 * byte of the answer, so that a failure has a status of its own.
 */
import type { ChatOptions, ChatProgress } from '../chat/chat-options.js';
import type { ChatStream } from '../chat/chat-stream.js';
import type { RenderedPrompt } from '../chat/conversation.js';
import { LlavaError } from '../errors.js';
import type { LlavaOneVision } from '../llava-onevision.js';
import type { Message, Part } from '../prompt/messages.js';
import { tooLong } from './api-error.js';
import type { AtMost } from './at-most.js';
import type { ChatRequest } from './chat-request.js';
import { checkPartCount, fetchMedia, type MediaRules } from './media/fetch-media.js';
import type { OneATurn } from './one-a-turn.js';
import { given } from './sampling-fields.js';
import { mediaPlaces, type WireMessage } from './wire-messages.js';
import type { MediaPlace } from './wire-parts.js';
import type { Work } from './work.js';

export interface PreparedChat {
  /** Positions of the prompt and, as far as it is known, of the answer. */
  cost: number;
  /** Positions of the prompt. */
  rows: number;
  /** The nth answer's chat. */
  chat(n: number, signal: AbortSignal, onProgress?: (progress: ChatProgress) => void): ChatStream;
}

export interface PrepareOptions {
  model: LlavaOneVision;
  work: Work;
  media: MediaRules;
  /** Clips that are looked at at one time: each takes a process. */
  clips: AtMost;
  /** Media that are fetched at one time, and not counted before they are there. */
  fetches: AtMost;
  /** Schemas, tools and grammars that are read. */
  schemas: OneATurn;
}

type Asked = Pick<ChatRequest, 'messages' | 'options' | 'frames'>;

/** An answer without a limit is taken for one of this length. */
const OPEN_ANSWER = 512;

/** @throws 400, and the signal's reason */
export async function prepareChat(asked: Asked, given: PrepareOptions): Promise<PreparedChat> {
  const { model, work } = given;
  const cacheScope = work.owner;
  const { maxTokens, seed } = asked.options;
  const check = () => checkOptions(model, asked.options);
  if (asked.options.responseFormat || asked.options.tools)
    await given.schemas.run(work.signal, check);
  else check();
  const { messages, rendered } = await layOut(asked, given);
  const { rows } = rendered;
  const { contextSize, trainedContextSize, maxSequences } = model.info;
  const room = Math.min(contextSize, trainedContextSize);
  if (rows > room) throw tooLong(rows, room);
  const options: ChatOptions = { ...asked.options, ...(cacheScope && { cacheScope }) };
  const answer = Math.min(maxTokens ?? OPEN_ANSWER, room - rows + 1);
  // One that asks for a long answer does not shut the others out.
  const share = Math.max(OPEN_ANSWER, Math.floor(contextSize / maxSequences));
  return {
    cost: rows + answer,
    rows,
    chat: (n, signal, onProgress) =>
      model.chat(messages, {
        ...options,
        signal,
        ...(onProgress && { onProgress }),
        ...(maxTokens && { maxTokens: answer, reservedTokens: Math.min(answer, share) }),
        ...(seed !== undefined && { seed: (seed + n) % 2 ** 32 }),
      }),
  };
}

/** Before anything is fetched. A chat that nobody reads does nothing. @throws 400 with the field that the option came from */
function checkOptions(model: LlavaOneVision, options: ChatOptions): void {
  try {
    const isContinued = options.continueFinalMessage === true;
    model.chat([{ role: isContinued ? 'assistant' : 'user', content: '' }], options);
  } catch (error) {
    const { code, argument } = error as { code?: string; argument?: string };
    const field = options.tools ? 'tools' : 'response_format';
    if (code === 'ERR_SCHEMA') throw Object.assign(error as Error, { param: field });
    if (argument?.startsWith('grammar'))
      throw Object.assign(error as Error, { param: 'response_format.grammar' });
    throw error;
  }
}

/** What the model would see, and the messages with their media. @throws 400, signal.reason */
export async function layOut(
  { messages, options, frames }: Asked,
  means: PrepareOptions,
): Promise<{ messages: Message[]; rendered: RenderedPrompt }> {
  const { model, work } = means;
  const places = mediaPlaces(messages);
  checkPartCount(places.length, means.media);
  const hasClip = places.some(({ type }) => type === 'video');
  const looked = async () => {
    const whole = await withMedia(messages, frames, means);
    const { multiImage, tools, continueFinalMessage } = options;
    const asked = given({ multiImage, tools, continueFinalMessage });
    const rendered = await model.render(whole, { ...asked, signal: work.signal });
    return { messages: whole, rendered };
  };
  return hasClip ? means.clips.run(work.signal, looked) : looked();
}

/** One after the other: what is fetched counts before more is. */
async function withMedia(
  messages: readonly WireMessage[],
  frames: number | undefined,
  given: PrepareOptions,
): Promise<Message[]> {
  const whole: Message[] = [];
  for (const message of messages) {
    const { content } = message;
    if (typeof content === 'string') {
      whole.push({ ...message, content });
      continue;
    }
    const parts: Part[] = [];
    for (const part of content)
      parts.push(part.type === 'text' ? part : await fetchPart(part, frames, given));
    whole.push({ ...message, content: parts });
  }
  return whole;
}

async function fetchPart(
  { type, url, detail, param }: MediaPlace,
  frames: number | undefined,
  { work, media, fetches }: PrepareOptions,
): Promise<Part> {
  const isInBody = /^data:/i.test(url);
  const fetched = async () => {
    const bytes = await fetchMedia(url, type, media, work.signal);
    if (!isInBody) work.visit.addBytes(bytes.length);
    return bytes;
  };
  const bytes = await (isInBody ? fetched() : fetches.run(work.signal, fetched)).catch((error) => {
    work.signal.throwIfAborted();
    throw error instanceof LlavaError ? Object.assign(error, { param }) : error;
  });
  if (type === 'image') return { type, image: bytes, ...(detail && { detail }) };
  return { type, video: bytes, ...(frames !== undefined && { frames }) };
}
