/** The messages of a request to those of the library, media still by their URLs. */
import { isRecord, parseJson } from '../option-checks.js';
import type { Message, ToolCall } from '../prompt/messages.js';
import { badRequest } from './api-error.js';
import { Fields, wrong } from './fields.js';
import { type MediaPlace, readPart, required, type WirePart } from './wire-parts.js';

export interface WireMessage {
  role: Message['role'];
  content: string | WirePart[];
  toolCalls?: readonly ToolCall[];
  toolCallId?: string;
}

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
const MAX_MESSAGES = 4096;

/** @throws 400 */
export function readMessages(given: unknown, param = 'messages'): WireMessage[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_MESSAGES)
    throw wrong(param, `an array of 1 to ${MAX_MESSAGES} messages`, given);
  const messages = given.map((message, i) => readMessage(message, `${param}[${i}]`));
  return joinSystem(messages);
}

export function mediaPlaces(messages: readonly WireMessage[]): MediaPlace[] {
  return messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.filter((part) => part.type !== 'text'),
  );
}

/** One message of any role. @throws 400 */
export function readMessage(value: unknown, path: string): WireMessage {
  const message = new Fields(value, path);
  const role = message.choice('role', ROLES);
  if (role === undefined)
    throw wrong(message.path('role'), `one of ${ROLES.join(', ')}`, undefined);
  const content = readContent(message, role);
  if (role === 'developer') return { role: 'system', content };
  if (role === 'tool')
    return { role, content: textOf(content), toolCallId: required(message, 'tool_call_id') };
  if (role !== 'assistant') return { role, content };
  const calls = message
    .list('tool_calls')
    ?.map((call, i) => readCall(call, `${path}.tool_calls[${i}]`));
  return { role, content, ...(calls && calls.length > 0 ? { toolCalls: calls } : {}) };
}

function readContent(message: Fields, role: (typeof ROLES)[number]): string | WirePart[] {
  const content = message.value('content');
  const path = message.path('content');
  if (typeof content === 'string') return content;
  // An assistant's may be null beside its calls.
  if (content === undefined && role === 'assistant') return message.text('refusal') ?? '';
  if (!Array.isArray(content)) throw wrong(path, 'a text or an array of parts', content);
  const parts = content.map((part, i) => readPart(part, `${path}[${i}]`));
  const media = parts.find((part): part is MediaPlace => part.type !== 'text');
  if (media && role !== 'user')
    throw badRequest(media.param, 'Pictures and clips may only stand in messages of the user.');
  return media ? parts : textOf(parts);
}

function textOf(content: string | WirePart[]): string {
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** The arguments of a call, which are a text. @throws 400 */
export function readArguments(callee: Fields): Record<string, unknown> {
  const text = callee.text('arguments') ?? '';
  const given = text.trim() === '' ? {} : parseJson(text);
  if (!isRecord(given)) throw wrong(callee.path('arguments'), 'the JSON text of an object', text);
  return given;
}

function readCall(value: unknown, path: string): ToolCall {
  const call = new Fields(value, path);
  const callee = call.object('function');
  if (!callee) throw wrong(call.path('function'), 'an object with name and arguments', undefined);
  return {
    id: required(call, 'id'),
    name: required(callee, 'name'),
    arguments: readArguments(callee),
  };
}

/** Clients send several at the start, where the model knows one. @throws 400 for one that comes later */
export function joinSystem(messages: WireMessage[]): WireMessage[] {
  const first = messages.findIndex(({ role }) => role !== 'system');
  const leading = first < 0 ? messages : messages.slice(0, first);
  const rest = messages.slice(leading.length);
  const late = rest.findIndex(({ role }) => role === 'system');
  if (late >= 0)
    throw badRequest(
      `messages[${late + leading.length}].role`,
      'Messages of the system or developer may only stand before all others.',
    );
  if (leading.length < 2) return messages;
  const content = leading.map((message) => textOf(message.content)).join('\n\n');
  return [{ role: 'system', content }, ...rest];
}
