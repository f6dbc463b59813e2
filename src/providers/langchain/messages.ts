/** LangChain's messages to those of a chat. Pictures come as bytes: messages may be a stranger's, so their URLs are opened only
 *  where the app allows it, and paths never. */
import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import { invalidArgument } from '../../errors.js';
import { isRecord } from '../../option-checks.js';
import type { Message, Part } from '../../prompt/messages.js';

/** @param allowUrls whether http(s) URLs are opened @throws ERR_INVALID_ARGUMENT */
export function messageOf(message: BaseMessage, allowUrls: boolean): Message {
  const { content } = message;
  const parts =
    typeof content === 'string' ? content : content.flatMap((block) => partsOf(block, allowUrls));
  if (message.type === 'human') return { role: 'user', content: parts };
  const text = typeof parts === 'string' ? parts : parts.map(textOf).join('');
  if (message.type === 'system') return { role: 'system', content: text };
  if (message.type === 'tool')
    return { role: 'tool', content: text, toolCallId: Reflect.get(message, 'tool_call_id') };
  if (!AIMessage.isInstance(message))
    throw invalidArgument('messages', "'human', 'ai', 'system' or 'tool'", message.type);
  const calls = message.tool_calls?.map(({ id = '', name, args }) => ({
    id,
    name,
    arguments: args,
  }));
  return { role: 'assistant', content: text, ...(calls?.length && { toolCalls: calls }) };
}

/** Blocks of LangChain 0 and 1, and OpenAI's. */
function partsOf(block: unknown, allowUrls: boolean): Part[] {
  if (!isRecord(block)) return [];
  const { type, text, image_url: image, data, url } = block;
  if (type === 'text') return [{ type, text: String(text) }];
  if (type === 'tool_call' || type === 'tool_use') return []; // beside it, as tool_calls
  const kind = type === 'image_url' ? 'image' : type;
  if (kind !== 'image' && kind !== 'video')
    throw invalidArgument('messages', 'text, pictures and clips', type);
  const source = data ?? url ?? (isRecord(image) ? image.url : image);
  const media = mediaOf(source, { isData: data !== undefined, allowUrls });
  return [kind === 'image' ? { type: kind, image: media } : { type: kind, video: media }];
}

function mediaOf(
  source: unknown,
  { isData, allowUrls }: { isData: boolean; allowUrls: boolean },
): string | Uint8Array {
  if (source instanceof Uint8Array) return source;
  if (typeof source === 'string' && isData) return Buffer.from(source, 'base64');
  const isUrl = typeof source === 'string' && /^https?:/i.test(source);
  if (typeof source === 'string' && (/^data:/i.test(source) || (isUrl && allowUrls))) return source;
  throw invalidArgument('messages', 'bytes or data: URLs (http(s): with `allowUrls`)', source);
}

function textOf(part: Part): string {
  return part.type === 'text' ? part.text : '';
}
