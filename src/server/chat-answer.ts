/** Results of chats to the objects of the API: choices, usage, log-probabilities, and what is ours. */
import type { ChatChunk, ChatResult } from '../chat/chat-stream.js';
import type { RenderedPrompt } from '../chat/conversation.js';
import { snakeCaseKeys } from './snake-case.js';

const REASONS = {
  stop: 'stop',
  length: 'length',
  abort: 'stop',
  'tool-calls': 'tool_calls',
} as const;

export function finishReason({ finishReason: reason }: ChatResult): string {
  return REASONS[reason];
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number; image_tokens: number; text_tokens: number };
  /** Of a model that guesses tokens. */
  completion_tokens_details?: {
    accepted_prediction_tokens: number;
    rejected_prediction_tokens: number;
  };
}

/** Of all answers to one prompt: they share it, so that only what none of them computed was cached. */
export function usageOf(results: readonly ChatResult[]): Usage {
  const { promptTokens, visualTokens } = results[0]!.usage;
  const completion = results.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
    prompt_tokens_details: {
      cached_tokens: Math.min(...results.map(({ usage }) => usage.cachedTokens)),
      image_tokens: visualTokens,
      text_tokens: promptTokens - visualTokens,
    },
    ...guesses(results),
  };
}

function guesses(results: readonly ChatResult[]): Pick<Usage, 'completion_tokens_details'> {
  if (results[0]!.usage.draftedTokens === undefined) return {};
  const sum = (count: 'draftedTokens' | 'acceptedTokens') =>
    results.reduce((total, { usage }) => total + usage[count]!, 0);
  const accepted = sum('acceptedTokens');
  const rejected = sum('draftedTokens') - accepted;
  return {
    completion_tokens_details: {
      accepted_prediction_tokens: accepted,
      rejected_prediction_tokens: rejected,
    },
  };
}

/** What OpenAI's answers have no place for. */
export function ownPart([first]: readonly ChatResult[], hasGeometry = false): object {
  const { timings, seed } = first!;
  const media = first!.media.map((item) => mediaOf(item, hasGeometry));
  const times = Object.entries(timings).map(([stage, ms]) => [
    `${stage.replace(/Ms$/, '')}_ms`,
    Math.round(ms * 10) / 10,
  ]);
  return { media, timings: Object.fromEntries(times), seed };
}

/** One picture or clip, with where its tiles lie or when its frames are shown if that is wanted. */
export function mediaOf(
  { geometry, ...told }: ChatResult['media'][number] | RenderedPrompt['media'][number],
  hasGeometry: boolean,
): object {
  return hasGeometry ? { ...told, geometry: snakeCaseKeys(geometry) } : told;
}

export function messageOf(result: ChatResult) {
  const calls = result.toolCalls;
  const content = result.text === '' && calls?.length ? null : result.text;
  const message = { role: 'assistant', content, refusal: null };
  return calls?.length ? { ...message, tool_calls: calls.map(callOf) } : message;
}

function callOf({ id, name, arguments: given }: NonNullable<ChatResult['toolCalls']>[number]) {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(given) } };
}

/** Null unless they were asked for. Of the tokens of the text: the one that ended it is none of them. */
export function logprobsOf(chunks: readonly ChatChunk[]): object | null {
  if (chunks[0]?.logprob === undefined) return null;
  return { content: chunks.filter(({ isEnd }) => !isEnd).map(logprobOf), refusal: null };
}

function logprobOf({ tokenText = '', logprob = 0, top = [] }: ChatChunk) {
  const alternatives = top.map((one) => tokenOf(one.text, one.logprob));
  return { ...tokenOf(tokenText, logprob), top_logprobs: alternatives };
}

/** JSON has no infinity; OpenAI's least is this. */
const LEAST = -9999;

/** Bytes are unknown where the token is a part of a character. */
function tokenOf(token: string, logprob: number) {
  const bytes = token.includes('\uFFFD') ? null : [...Buffer.from(token)];
  return { token, logprob: Math.max(logprob, LEAST), bytes };
}
