/** Messages to the layout of a prompt: ids, and how many rows each picture or clip will take. Encodes nothing. */
import { invalidArgument } from '../errors.js';
import { promptText, renderPrompt } from '../prompt/chatml.js';
import { continuedText, type Message, mediaParts } from '../prompt/messages.js';
import { type PromptSegment, tokenizePrompt } from '../prompt/prompt-tokens.js';
import type { Engine } from './engine.js';
import {
  closeMedia,
  describeMedia,
  type MediaSummary,
  type OpenOptions,
  openMedia,
  type PlannedMedia,
} from './planned-media.js';

export interface Conversation {
  /** With `<image>` at the place of each media part. */
  prompt: string;
  segments: PromptSegment[];
  /** In the conversation's order. */
  media: PlannedMedia[];
  /** Positions that the prompt takes. */
  rows: number;
  /** Ids of the answer that is gone on in. */
  continued: Int32Array;
}

/** What `render` tells: exactly what the model will see. */
export interface RenderedPrompt {
  prompt: string;
  /** Ids of the prompt, -1 for each visual row. */
  tokens: Int32Array;
  /** Positions the prompt takes, the length of `tokens`. */
  rows: number;
  /** In the prompt's order; `start` is the position of the first of `rows` visual rows. */
  media: (MediaSummary & { start: number })[];
  /** A drawing of what the model will see: tiles, overview, padding, rows; of clips the chosen frames. Reads pictures and
   *  clips again. @throws what `render` does */
  toSvg(): Promise<string>;
}

/** @throws ERR_INVALID_ARGUMENT for pictures or clips when the model was loaded without an mmproj */
export function checkMedia(messages: readonly Message[], engine: Engine): void {
  if (engine.tower || mediaParts(messages).length === 0) return;
  throw invalidArgument(
    'messages',
    'text only, because the model was loaded without the option mmproj,',
    'messages with pictures or clips',
  );
}

/** Everything opened must be closed: `closeMedia(conversation.media)`.
 *  @throws what openMedia does; ERR_CONTEXT_FULL for texts that could not fit whatever their tokens are */
export async function openConversation(
  messages: readonly Message[],
  engine: Engine,
  options: OpenOptions,
): Promise<Conversation> {
  const parts = renderPrompt(messages, engine.dialect, options);
  const { longestToken } = engine.decoder;
  const segments = await tokenizePrompt(parts, engine.model, {
    onBytes: (bytes) => engine.scheduler.checkFits(Math.ceil(bytes / longestToken)),
  });
  const media = await openMedia(mediaParts(messages), engine, options);
  const rows = segments.reduce((sum, segment) => sum + rowsOf(segment, media), 0);
  const continued = options.isContinued
    ? await engine.model.tokenizeAsync(continuedText(messages))
    : new Int32Array();
  return { prompt: promptText(parts), segments, media, rows, continued };
}

/** Opens a conversation for the time of `work`. @throws what openMedia and `work` do */
export async function withConversation<T>(
  messages: readonly Message[],
  engine: Engine,
  { work, ...options }: OpenOptions & { work: (conversation: Conversation) => T | Promise<T> },
): Promise<T> {
  const conversation = await openConversation(messages, engine, options);
  try {
    return await work(conversation);
  } finally {
    await closeMedia(conversation.media);
  }
}

export function renderConversation({
  prompt,
  segments,
  media,
  rows,
}: Conversation): Omit<RenderedPrompt, 'toSvg'> {
  const tokens = new Int32Array(rows).fill(-1);
  const placed: RenderedPrompt['media'] = [];
  let start = 0;
  for (const segment of segments) {
    if ('tokens' in segment) tokens.set(segment.tokens, start);
    else placed.push({ ...describeMedia(media[segment.media]!), start });
    start += rowsOf(segment, media);
  }
  return { prompt, tokens, rows, media: placed };
}

/** Positions of a segment. */
export function rowsOf(segment: PromptSegment, media: readonly PlannedMedia[]): number {
  return 'tokens' in segment ? segment.tokens.length : media[segment.media]!.plan.rows;
}
