/** Checks of an assistant's calls and of their results: each result answers a call of the assistant's message before it. */
import { invalidArgument } from '../errors.js';
import { isRecord } from '../option-checks.js';

/** Of arguments. */
const MAX_NESTING = 100;

interface Call {
  id: string;
  name: string;
  arguments: Record<string, unknown>;
}

export function checkToolCalls(calls: unknown, path: string): { toolCalls?: Call[] } {
  if (calls === undefined) return {};
  if (!Array.isArray(calls))
    throw invalidArgument(`${path}.toolCalls`, 'an array of { id, name, arguments }', calls);
  const checked = calls.map((call, i): Call => {
    const place = `${path}.toolCalls[${i}]`;
    if (!isRecord(call)) throw invalidArgument(place, '{ id, name, arguments }', call);
    const { id, name, arguments: given } = call;
    if (typeof id !== 'string' || id === '') throw invalidArgument(`${place}.id`, 'a text', id);
    if (typeof name !== 'string' || name === '')
      throw invalidArgument(`${place}.name`, 'the name of a tool', name);
    const copy = isRecord(given) ? jsonCopy(given) : undefined;
    if (!isRecord(copy))
      throw invalidArgument(`${place}.arguments`, 'an object that JSON can hold', given);
    return { id, name, arguments: copy };
  });
  return checked.length > 0 ? { toolCalls: checked } : {};
}

/** Undefined where JSON cannot say it, or only by nesting that nobody reads. */
function jsonCopy(value: unknown): unknown {
  try {
    const copy: unknown = JSON.parse(JSON.stringify(value));
    return isShallow(copy, MAX_NESTING) ? copy : undefined;
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return left > 0 && Object.values(value).every((inner) => isShallow(inner, left - 1));
}

export function checkToolResult(
  { content, toolCallId }: Record<string, unknown>,
  path: string,
): { role: 'tool'; content: string; toolCallId: string } {
  if (typeof content !== 'string')
    throw invalidArgument(`${path}.content`, "a text, as a tool's result", content);
  if (typeof toolCallId !== 'string')
    throw invalidArgument(`${path}.toolCallId`, 'the id of the call that it answers', toolCallId);
  return { role: 'tool', content, toolCallId };
}

export function checkToolResults(
  messages: readonly { role: string; toolCalls?: readonly Call[]; toolCallId?: string }[],
): void {
  let open = new Set<string>();
  for (const [i, { role, toolCalls, toolCallId }] of messages.entries()) {
    if (role !== 'tool') open = new Set(toolCalls?.map(({ id }) => id));
    else if (!open.has(toolCallId!))
      throw invalidArgument(
        `messages[${i}].toolCallId`,
        "the id of a call of the assistant's message before",
        toolCallId,
      );
  }
}
