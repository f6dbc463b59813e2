/** A chat's stream and its result as the AI SDK's parts. */
import type {
  JSONObject,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4Warning,
} from '@ai-sdk/provider';
import type { ChatResult, ChatStream } from '../../chat/chat-stream.js';
import type { ToolCallDelta } from '../../chat/tool-call-reader.js';
import { PROVIDER_KEY } from './prompt.js';

const TEXT_ID = '0';

/** @throws what the chat does */
export async function* streamParts(
  stream: ChatStream,
  warnings: SharedV4Warning[],
): AsyncGenerator<LanguageModelV4StreamPart, undefined> {
  yield { type: 'stream-start', warnings };
  const open = new OpenParts();
  for await (const { text, toolCalls = [] } of stream) {
    yield* open.text(text);
    for (const delta of toolCalls) yield* open.call(delta);
  }
  const result = await stream.result;
  yield* open.close();
  yield* callsOf(result);
  const { finishReason, usage, providerMetadata } = endOf(result);
  yield { type: 'finish', finishReason, usage, providerMetadata };
}

/** Text and calls follow each other: each is closed before the next is opened. */
class OpenParts {
  #text = 0;
  #isText = false;
  #call: string | undefined;

  *text(delta: string): Generator<LanguageModelV4StreamPart> {
    if (delta === '') return;
    if (!this.#isText) {
      yield* this.close();
      this.#isText = true;
      yield { type: 'text-start', id: this.#textId };
    }
    yield { type: 'text-delta', id: this.#textId, delta };
  }

  *call({ id, name, arguments: delta }: ToolCallDelta): Generator<LanguageModelV4StreamPart> {
    if (this.#call !== id) {
      yield* this.close();
      this.#call = id;
      yield { type: 'tool-input-start', id, toolName: name };
    }
    if (delta !== '') yield { type: 'tool-input-delta', id, delta };
  }

  *close(): Generator<LanguageModelV4StreamPart> {
    if (this.#isText) yield { type: 'text-end', id: this.#textId };
    if (this.#isText) this.#text++;
    if (this.#call !== undefined) yield { type: 'tool-input-end', id: this.#call };
    this.#isText = false;
    this.#call = undefined;
  }

  get #textId(): string {
    return `${TEXT_ID}${this.#text || ''}`;
  }
}

export function contentOf(result: ChatResult): LanguageModelV4Content[] {
  const { text } = result;
  return [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...callsOf(result)];
}

function callsOf({ toolCalls = [] }: ChatResult) {
  return toolCalls.map(({ id, name, arguments: input }) => ({
    ...{ type: 'tool-call' as const, toolCallId: id, toolName: name },
    input: JSON.stringify(input),
  }));
}

/** How an answer ended and what it took. */
export function endOf({ finishReason: raw, usage, seed, timings }: ChatResult): {
  finishReason: LanguageModelV4FinishReason;
  usage: LanguageModelV4Usage;
  providerMetadata: SharedV4ProviderMetadata;
} {
  const { promptTokens, cachedTokens, completionTokens, visualTokens } = usage;
  return {
    finishReason: { unified: raw === 'abort' ? 'interrupted' : raw, raw },
    usage: {
      inputTokens: {
        ...{ total: promptTokens, noCache: promptTokens - cachedTokens, cacheRead: cachedTokens },
        cacheWrite: undefined,
      },
      outputTokens: { total: completionTokens, text: completionTokens, reasoning: undefined },
      raw: { ...usage },
    },
    providerMetadata: {
      [PROVIDER_KEY]: { visualTokens, seed, timings: { ...timings } as JSONObject },
    },
  };
}
