/** The answers to a chat completion: one object, or chunks of it as they come. */
import type { ChatChunk, ChatResult } from '../chat/chat-stream.js';
import { finishReason, logprobsOf, messageOf, ownPart, usageOf } from './chat-answer.js';
import type { ChatRequest } from './chat-request.js';
import type { ChatEvent, ChatNews } from './chat-run.js';
import { newId, nowSeconds } from './ids.js';
import type { SseEvent } from './sse.js';

export interface AnswerFacts {
  /** The model's name. */
  name: string;
  request: Pick<ChatRequest, 'n' | 'hasUsageChunk' | 'hasGeometry'>;
  /** Every token of every answer, as it comes. */
  onChunk?: (index: number) => void;
  /** All answers are there. */
  onEnd?: (results: readonly ChatResult[]) => void;
}

/** @param events of all `n` answers @throws what a chat does */
export async function wholeCompletion(
  events: AsyncIterable<ChatEvent>,
  { name, request, onChunk, onEnd }: AnswerFacts,
): Promise<object> {
  const chunks = Array.from({ length: request.n }, (): ChatChunk[] => []);
  const results: ChatResult[] = [];
  for await (const event of events) {
    if ('result' in event) results[event.index] = event.result;
    else if ('chunk' in event) {
      chunks[event.index]!.push(event.chunk);
      onChunk?.(event.index);
    }
  }
  onEnd?.(results);
  return {
    id: newId('chatcmpl-'),
    object: 'chat.completion',
    created: nowSeconds(),
    model: name,
    choices: results.map((result, index) => ({
      index,
      message: messageOf(result),
      logprobs: logprobsOf(chunks[index]!),
      finish_reason: finishReason(result),
    })),
    usage: usageOf(results),
    llava_onevision: ownPart(results, request.hasGeometry),
  };
}

/** Chunks; the role first, then news of the prompt if they are wanted, the text, a usage chunk if it is wanted, the end mark. */
export async function* completionChunks(
  events: AsyncIterable<ChatEvent>,
  { name, request, onChunk, onEnd }: AnswerFacts,
): AsyncGenerator<SseEvent> {
  const head = {
    id: newId('chatcmpl-'),
    object: 'chat.completion.chunk',
    created: nowSeconds(),
    model: name,
  };
  const usage = request.hasUsageChunk ? { usage: null } : {};
  const chunk = (index: number, delta: object, more: object = {}): SseEvent => ({
    data: {
      ...head,
      choices: [{ index, delta, logprobs: null, finish_reason: null, ...more }],
      ...usage,
    },
  });
  for (let i = 0; i < request.n; i++)
    yield chunk(i, { role: 'assistant', content: '', refusal: null });
  const results: ChatResult[] = [];
  const own = () => ownPart(results, request.hasGeometry);
  let nLeft = request.n;
  for await (const event of events) {
    if ('news' in event) {
      yield { data: { ...head, choices: [], ...usage, llava_onevision: newsOf(event.news) } };
      continue;
    }
    const { index } = event;
    if ('result' in event) {
      results[index] = event.result;
      const { data } = chunk(index, {}, { finish_reason: finishReason(event.result) });
      const isLast = --nLeft === 0 && !request.hasUsageChunk;
      yield { data: isLast ? { ...(data as object), llava_onevision: own() } : data };
      continue;
    }
    onChunk?.(index);
    const delta = deltaOf(event.chunk);
    const logprobs = event.chunk.isEnd ? null : logprobsOf([event.chunk]);
    if (delta || logprobs) yield chunk(index, delta ?? {}, { logprobs });
  }
  onEnd?.(results);
  // Clients that did not ask for it take every chunk for one with a choice.
  if (request.hasUsageChunk) {
    const last = { usage: usageOf(results), llava_onevision: own() };
    yield { data: { ...head, choices: [], ...last } };
  }
  yield { data: '[DONE]' };
}

function newsOf(news: ChatNews): object {
  if ('queued' in news) return news;
  const { stage, done, total } = news;
  return { stage, done, of: total };
}

/** Undefined for a token that adds nothing yet. */
function deltaOf({ text, toolCalls = [] }: ChatChunk): object | undefined {
  if (text === '' && toolCalls.length === 0) return undefined;
  const deltas = toolCalls.map(({ index, id, name, arguments: more }) =>
    // Who it is comes with the first piece alone, which has no arguments yet.
    more === ''
      ? { index, id, type: 'function', function: { name, arguments: '' } }
      : { index, function: { arguments: more } },
  );
  return { ...(text && { content: text }), ...(deltas.length > 0 && { tool_calls: deltas }) };
}
