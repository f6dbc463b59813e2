/** The body of a chat completion, read field by field: what to ask the model, and how the answer is wanted. */
import type { ChatOptions } from '../chat/chat-options.js';
import { badRequest } from './api-error.js';
import { Fields } from './fields.js';
import { readOwnFields } from './own-fields.js';
import { given, readSampling } from './sampling-fields.js';
import { readShape } from './shape-fields.js';
import { readMessages, type WireMessage } from './wire-messages.js';

export interface ChatRequest {
  /** The name that the client gave; undefined for the only one. */
  model: string | undefined;
  messages: WireMessage[];
  options: ChatOptions;
  /** How many answers. */
  n: number;
  /** Frames of each clip. */
  frames: number | undefined;
  isStream: boolean;
  /** A last chunk tells the usage. */
  hasUsageChunk: boolean;
  /** News come before the first text. */
  hasProgress: boolean;
  /** What is told of pictures and clips says where their tiles lie. */
  hasGeometry: boolean;
}

/** What a request may ask for at most. */
export interface RequestLimits {
  maxChoices: number;
  defaultTemperature: number | undefined;
  maxFrames: number;
}

export const MAX_TOKENS = { min: 1, max: 2 ** 31 - 1, integer: true };

/** @throws 400 */
export function readChatRequest(value: unknown, limits: RequestLimits): ChatRequest {
  const body = new Fields(value);
  refuseAudio(body);
  const messages = readMessages(body.value('messages'));
  const isStream = body.flag('stream') ?? false;
  const streamOptions = body.object('stream_options');
  if (streamOptions && !isStream)
    throw badRequest('stream_options', "'stream_options' needs 'stream'.");
  const { multiImage, hasProgress, hasGeometry } = readOwnFields(body);
  if (hasProgress && !isStream)
    throw badRequest('llava_onevision.progress', "'llava_onevision.progress' needs 'stream'.");
  const continueFinalMessage = readContinued(body, messages);
  const maxTokens =
    body.number('max_completion_tokens', MAX_TOKENS) ?? body.number('max_tokens', MAX_TOKENS);
  return {
    model: body.text('model'),
    messages,
    options: {
      ...readSampling(body, limits.defaultTemperature),
      ...readShape(body),
      ...given({ maxTokens, multiImage, continueFinalMessage, topLogprobs: readLogprobs(body) }),
    },
    n: body.number('n', { min: 1, max: limits.maxChoices, integer: true }) ?? 1,
    frames: readFrames(body, limits.maxFrames),
    isStream,
    hasUsageChunk: streamOptions?.flag('include_usage') ?? false,
    hasProgress,
    hasGeometry,
  };
}

function readLogprobs(body: Fields): number | undefined {
  const isWanted = body.flag('logprobs') ?? false;
  const top = body.number('top_logprobs', { min: 0, max: 20, integer: true });
  if (top !== undefined && !isWanted)
    throw badRequest('top_logprobs', "'top_logprobs' needs 'logprobs'.");
  return isWanted ? (top ?? 0) : undefined;
}

/** vLLM's way to say how many frames of a clip are looked at. */
export function readFrames(body: Fields, max: number): number | undefined {
  const video = body.object('media_io_kwargs')?.object('video');
  return video?.number('num_frames', { min: 1, max, integer: true });
}

/** vLLM's way to let the model go on in an answer. @throws 400 */
export function readContinued(body: Fields, messages: readonly WireMessage[]): true | undefined {
  const name = 'continue_final_message';
  if (!body.flag(name)) return undefined;
  if (body.flag('add_generation_prompt'))
    throw badRequest(name, `'${name}' and 'add_generation_prompt' do not go together.`);
  const last = messages.at(-1)!;
  if (last.role === 'assistant' && !last.toolCalls) return true;
  throw badRequest(name, `'${name}' needs a text of the assistant, without calls, at the end.`);
}

function refuseAudio(body: Fields): void {
  const modalities = body.list('modalities') ?? ['text'];
  if (modalities.some((name) => name !== 'text'))
    throw badRequest('modalities', '\'modalities\' can only be ["text"].', 'unsupported');
}
