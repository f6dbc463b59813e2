/**
 * OpenAI's older completions, which routers need: the prompt is what a user says, and the answer is its text. The model knows
 * conversations only, so nothing can be echoed or put in between.
 */
import type { ChatResult } from '../chat/chat-stream.js';
import { badRequest } from './api-error.js';
import { finishReason, ownPart, usageOf } from './chat-answer.js';
import type { AnswerFacts } from './chat-completion.js';
import { type ChatRequest, type RequestLimits, readChatRequest } from './chat-request.js';
import type { ChatEvent } from './chat-run.js';
import { Fields, wrong } from './fields.js';
import { newId, nowSeconds } from './ids.js';
import { readOwnFields } from './own-fields.js';
import type { SseEvent } from './sse.js';

const NOT_KNOWN = ['echo', 'suffix', 'best_of', 'logprobs'] as const;

/** @throws 400 */
export function readTextRequest(value: unknown, limits: RequestLimits): ChatRequest {
  const body = new Fields(value);
  for (const name of NOT_KNOWN) {
    const given = body.value(name);
    if (given !== undefined && given !== false && given !== '' && given !== 1)
      throw badRequest(
        name,
        `'${name}' is not known here; use /v1/chat/completions.`,
        'unsupported',
      );
  }
  readOwnFields(body, ['multi_image']);
  const prompt = body.value('prompt');
  const only = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  if (typeof only !== 'string') throw wrong('prompt', 'one text', prompt);
  const messages = [{ role: 'user', content: only }];
  const { logprobs, ...rest } = value as Record<string, unknown>;
  return readChatRequest({ ...rest, messages, tools: undefined, tool_choice: undefined }, limits);
}

export async function wholeText(
  events: AsyncIterable<ChatEvent>,
  { name, onChunk, onEnd }: AnswerFacts,
): Promise<object> {
  const results: ChatResult[] = [];
  for await (const event of events) {
    if ('result' in event) results[event.index] = event.result;
    else if ('chunk' in event) onChunk?.(event.index);
  }
  onEnd?.(results);
  const choices = results.map((result, index) => choice(index, result.text, finishReason(result)));
  return { ...headOf(name), choices, usage: usageOf(results), llava_onevision: ownPart(results) };
}

export async function* textChunks(
  events: AsyncIterable<ChatEvent>,
  { name, request, onChunk, onEnd }: AnswerFacts,
): AsyncGenerator<SseEvent> {
  const head = headOf(name);
  const results: ChatResult[] = [];
  for await (const event of events) {
    if ('news' in event) continue;
    const { index } = event;
    if ('result' in event) {
      results[index] = event.result;
      yield { data: { ...head, choices: [choice(index, '', finishReason(event.result))] } };
      continue;
    }
    onChunk?.(index);
    const { text } = event.chunk;
    if (text !== '') yield { data: { ...head, choices: [choice(index, text, null)] } };
  }
  onEnd?.(results);
  if (request.hasUsageChunk) yield { data: { ...head, choices: [], usage: usageOf(results) } };
  yield { data: '[DONE]' };
}

function headOf(model: string) {
  return { id: newId('cmpl-'), object: 'text_completion', created: nowSeconds(), model };
}

function choice(index: number, text: string, reason: string | null): object {
  return { index, text, logprobs: null, finish_reason: reason };
}
