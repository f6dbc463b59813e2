/**
 * Tools in a conversation, in Qwen2's Hermes form: the system message lists them, an assistant's calls and their results are
 * marked in the text. Everything becomes plain messages here, so that templates know nothing of tools.
 * @see the chat template of Qwen/Qwen2.5-0.5B-Instruct's tokenizer_config.json
 */
import type { Message, ToolCall } from './messages.js';

/** A function that the model may ask to be called. */
export interface ToolText {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON schema of its arguments. */
  readonly parameters: unknown;
}

export const CALL_START = '<tool_call>';
export const CALL_END = '</tool_call>';

/** The conversation without tools and calls, as the model reads them. */
export function plainMessages(
  messages: readonly Message[],
  tools: readonly ToolText[],
  defaultSystem: string | null,
): Message[] {
  const plain: Message[] = [];
  let isAfterTool = false;
  for (const message of messages) {
    if (message.role !== 'tool') {
      plain.push(message.toolCalls ? withCalls(message, message.toolCalls) : message);
    } else {
      const response = `<tool_response>\n${message.content}\n</tool_response>`;
      // Results of one turn are one message.
      const last = isAfterTool ? plain.pop() : undefined;
      plain.push({ role: 'user', content: last ? `${last.content}\n${response}` : response });
    }
    isAfterTool = message.role === 'tool';
  }
  return tools.length > 0 ? withTools(plain, tools, defaultSystem) : plain;
}

function withCalls({ role, content }: Message, calls: readonly ToolCall[]): Message {
  const texts = calls.map(
    (call) =>
      `${CALL_START}\n{"name": ${spacedJson(call.name)}, "arguments": ${spacedJson(call.arguments)}}\n${CALL_END}`,
  );
  const said = typeof content === 'string' ? content : content.map(textOf).join('');
  return { role, content: [...(said ? [said] : []), ...texts].join('\n') };
}

function withTools(
  messages: readonly Message[],
  tools: readonly ToolText[],
  defaultSystem: string | null,
): Message[] {
  const [first] = messages;
  const hasSystem = first?.role === 'system';
  const { content } = hasSystem ? first : { content: defaultSystem ?? '' };
  const said = typeof content === 'string' ? content : content.map(textOf).join('');
  const system = [...(said ? [said] : []), listOf(tools)].join('\n\n');
  return [{ role: 'system', content: system }, ...(hasSystem ? messages.slice(1) : messages)];
}

function textOf(part: { type: string; text?: string }): string {
  return part.text ?? '';
}

function listOf(tools: readonly ToolText[]): string {
  const lines = tools.map(({ name, description, parameters }) =>
    spacedJson({
      type: 'function',
      function: { name, ...(description === undefined ? {} : { description }), parameters },
    }),
  );
  return [
    '# Tools\n\nYou may call one or more functions to assist with the user query.\n',
    'You are provided with function signatures within <tools></tools> XML tags:',
    `<tools>\n${lines.join('\n')}\n</tools>\n`,
    'For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:',
    `${CALL_START}\n{"name": <function-name>, "arguments": <args-json-object>}\n${CALL_END}`,
  ].join('\n');
}

/** JSON as Python's json.dumps writes it, which is what templates use: a space behind "," and ":". */
function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).filter(([, own]) => own !== undefined);
  return `{${members.map(([name, own]) => `${JSON.stringify(name)}: ${spacedJson(own)}`).join(', ')}}`;
}
