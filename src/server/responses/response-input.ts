/** The items of a response's input to messages: what was said, calls, their results, and items of earlier answers by name. */
import { badRequest } from '../api-error.js';
import { Fields, wrong } from '../fields.js';
import { readArguments, readMessage, type WireMessage } from '../wire-messages.js';
import { required } from '../wire-parts.js';

/** An item of an earlier answer, as a message of its own; undefined where it is not kept. */
export type FindItem = (id: string) => WireMessage | undefined;

const MAX_ITEMS = 4096;
const TYPES = [
  'message',
  'function_call',
  'function_call_output',
  'item_reference',
  'reasoning',
] as const;

/** Not joined yet: neighbours of an assistant may be one message. @throws 400 */
export function readInput(value: unknown, find: FindItem): WireMessage[] {
  if (typeof value === 'string') return [{ role: 'user', content: value }];
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ITEMS)
    throw wrong('input', `a text or an array of 1 to ${MAX_ITEMS} items`, value);
  return value.flatMap((item, i) => readItem(new Fields(item, `input[${i}]`), item, find));
}

/** What an assistant said and the calls that it asked for belong to one message. */
export function joinTurns(messages: readonly WireMessage[]): WireMessage[] {
  const joined: WireMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last?.role !== 'assistant' || message.role !== 'assistant' || !message.toolCalls) {
      joined.push(message);
      continue;
    }
    const toolCalls = [...(last.toolCalls ?? []), ...message.toolCalls];
    joined[joined.length - 1] = {
      ...last,
      content: `${last.content}${message.content}`,
      toolCalls,
    };
  }
  return joined;
}

function readItem(item: Fields, value: unknown, find: FindItem): WireMessage[] {
  const type = item.choice('type', TYPES) ?? 'message';
  switch (type) {
    case 'message':
      return [readMessage(value, item.place)];
    case 'function_call': {
      const call = { id: required(item, 'call_id'), name: required(item, 'name') };
      const toolCalls = [{ ...call, arguments: readArguments(item) }];
      return [{ role: 'assistant', content: '', toolCalls }];
    }
    case 'function_call_output': {
      const output = item.value('output');
      const message = { role: 'tool', tool_call_id: required(item, 'call_id'), content: output };
      return [readMessage(message, item.place)];
    }
    case 'item_reference':
      return [found(item, find)];
    case 'reasoning':
      return [];
  }
}

function found(item: Fields, find: FindItem): WireMessage {
  const message = find(required(item, 'id'));
  if (message) return message;
  const advice = "is not kept here any more; send the item itself, and 'store': false with it.";
  throw badRequest(item.path('id'), `'${item.path('id')}' ${advice}`, 'item_not_found');
}
