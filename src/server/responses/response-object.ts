/** The answer of a response: items of what was said and what shall be called, usage, and the request's fields again. */
import type { ChatResult } from '../../chat/chat-stream.js';
import { ownPart, usageOf } from '../chat-answer.js';
import { newId, nowSeconds } from '../ids.js';
import type { WireMessage } from '../wire-messages.js';

/** What stays the same from the first event to the last. */
export interface ResponseHead {
  id: string;
  created: number;
  name: string;
  echo: Readonly<Record<string, unknown>>;
  isKept: boolean;
}

export type OutputItem = MessageItem | CallItem;

interface MessageItem {
  type: 'message';
  id: string;
  status: string;
  role: 'assistant';
  content: { type: 'output_text'; text: string; annotations: []; logprobs: [] }[];
}

interface CallItem {
  type: 'function_call';
  id: string;
  call_id: string;
  name: string;
  arguments: string;
  status: string;
}

export function newHead(facts: Pick<ResponseHead, 'name' | 'echo' | 'isKept'>): ResponseHead {
  return { id: newId('resp_'), created: nowSeconds(), ...facts };
}

export function messageItem(id: string, text: string, status: string): MessageItem {
  return { type: 'message', id, status, role: 'assistant', content: [textPart(text)] };
}

export function textPart(text: string) {
  return { type: 'output_text' as const, text, annotations: [] as [], logprobs: [] as [] };
}

/** @param part what is different in a response that is not done */
export function responseObject(head: ResponseHead, part: object): object {
  return {
    id: head.id,
    object: 'response',
    created_at: head.created,
    model: head.name,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    output: [],
    usage: null,
    store: head.isKept,
    ...head.echo,
    ...part,
  };
}

export function finishedResponse(
  head: ResponseHead,
  output: readonly OutputItem[],
  result: ChatResult,
): object {
  const isCut = result.finishReason === 'length';
  const usage = usageOf([result]);
  return responseObject(head, {
    status: isCut ? 'incomplete' : 'completed',
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    output,
    usage: {
      input_tokens: usage.prompt_tokens,
      input_tokens_details: usage.prompt_tokens_details,
      output_tokens: usage.completion_tokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.total_tokens,
    },
    llava_onevision: ownPart([result]),
  });
}

/** An item as a message of the conversation. */
export function messageOf(item: OutputItem): WireMessage {
  if (item.type === 'message') return { role: 'assistant', content: item.content[0]!.text };
  const { call_id: id, name, arguments: text } = item;
  const call = { id, name, arguments: JSON.parse(text) as Record<string, unknown> };
  return { role: 'assistant', content: '', toolCalls: [call] };
}
