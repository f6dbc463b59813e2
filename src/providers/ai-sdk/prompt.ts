/**
 * The AI SDK's prompt to the messages of a chat. Media come as bytes: the SDK fetches URLs itself, by the app's rules, since a
 * prompt may have been written by a stranger's browser; no URL or path of a prompt is opened here.
 */
import type {
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4TextPart,
  LanguageModelV4ToolResultOutput,
  SharedV4Warning,
} from '@ai-sdk/provider';
import { invalidArgument } from '../../errors.js';
import { isRecord } from '../../option-checks.js';
import type { Message, Part, ToolCall } from '../../prompt/messages.js';

/** Under which the SDK's `providerOptions` hold ours. */
export const PROVIDER_KEY = 'llavaOneVision';

/** @param warnings gets what has no place in a chat @throws ERR_INVALID_ARGUMENT for files that are neither pictures nor clips */
export function messagesOf(
  prompt: LanguageModelV4Prompt,
  frames: number | undefined,
  warnings: SharedV4Warning[],
): Message[] {
  const told = prompt.filter(({ role }) => role === 'system').map(({ content }) => content);
  const system: Message[] = told.length > 0 ? [{ role: 'system', content: told.join('\n\n') }] : [];
  return [...system, ...prompt.flatMap((message) => turnsOf(message, frames, warnings))];
}

function turnsOf(
  message: LanguageModelV4Message,
  frames: number | undefined,
  warnings: SharedV4Warning[],
): Message[] {
  if (message.role === 'system') return [];
  if (message.role === 'user')
    return [{ role: 'user', content: message.content.map((part) => userPart(part, frames)) }];
  if (message.role === 'assistant') return [assistantTurn(message, warnings)];
  return message.content.flatMap((part): Message[] => {
    if (part.type !== 'tool-result') return [];
    const content = resultText(part.output, warnings);
    return [{ role: 'tool', toolCallId: part.toolCallId, content }];
  });
}

function userPart(
  part: LanguageModelV4TextPart | LanguageModelV4FilePart,
  frames: number | undefined,
): Part {
  if (part.type === 'text') return { type: 'text', text: part.text };
  const { data, mediaType } = part;
  if (data.type === 'text') return { type: 'text', text: data.text };
  if (data.type !== 'data')
    throw invalidArgument(
      'prompt',
      'files as bytes, which the AI SDK makes of http(s) URLs,',
      data.type === 'url' ? data.url.protocol : data.type,
    );
  const bytes = typeof data.data === 'string' ? Buffer.from(data.data, 'base64') : data.data;
  if (/^image(\/|$)/i.test(mediaType)) return { type: 'image', image: bytes };
  if (!/^video(\/|$)/i.test(mediaType))
    throw invalidArgument('prompt', 'pictures and clips as files', mediaType);
  const own = part.providerOptions?.[PROVIDER_KEY]?.frames;
  const count = typeof own === 'number' ? own : frames;
  return { type: 'video', video: bytes, ...(count !== undefined && { frames: count }) };
}

function assistantTurn(
  { content }: Extract<LanguageModelV4Message, { role: 'assistant' }>,
  warnings: SharedV4Warning[],
): Message {
  let text = '';
  const toolCalls: ToolCall[] = [];
  for (const part of content) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'tool-call')
      toolCalls.push({ id: part.toolCallId, name: part.toolName, arguments: inputOf(part.input) });
    else warn(warnings, `${part.type} in an assistant's message`);
  }
  return { role: 'assistant', content: text, ...(toolCalls.length > 0 && { toolCalls }) };
}

function inputOf(input: unknown): Record<string, unknown> {
  const value = typeof input === 'string' ? JSON.parse(input || '{}') : input;
  return isRecord(value) ? value : {};
}

function resultText(output: LanguageModelV4ToolResultOutput, warnings: SharedV4Warning[]): string {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return output.value;
    case 'json':
    case 'error-json':
      return JSON.stringify(output.value);
    case 'execution-denied':
      return `Denied${output.reason ? `: ${output.reason}` : '.'}`;
    case 'content':
      return output.value
        .map((part) => {
          if (part.type === 'text') return part.text;
          warn(warnings, `${part.type} in a tool's result`);
          return '';
        })
        .join('');
  }
}

function warn(warnings: SharedV4Warning[], feature: string): void {
  warnings.push({ type: 'unsupported', feature });
}
