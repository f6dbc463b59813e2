/**
 * A loaded model as a chat model of LangChain.js, in this process. LangChain's messages and call options in, its messages and
 * chunks out; the model stays the caller's.
 */
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import type { BaseLanguageModelInput } from '@langchain/core/language_models/base';
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
} from '@langchain/core/language_models/chat_models';
import { AIMessageChunk, type BaseMessage, type ToolCallChunk } from '@langchain/core/messages';
import { OutputParserException } from '@langchain/core/output_parsers';
import { ChatGenerationChunk, type ChatResult as LangChainResult } from '@langchain/core/outputs';
import { type Runnable, RunnableLambda } from '@langchain/core/runnables';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';
import type { ChatOptions } from '../chat/chat-options.js';
import type { ChatChunk, ChatResult } from '../chat/chat-stream.js';
import type { ToolChoice } from '../chat/tool-options.js';
import type { StandardSchema } from '../grammar/standard-schema.js';
import type { LlavaOneVision } from '../llava-onevision.js';
import { isRecord, parseJson } from '../option-checks.js';
import { messageOf } from './langchain/messages.js';

/** Those of `chat` that LangChain has no place for. */
type OwnOptions = Omit<ChatOptions, 'signal' | 'onProgress' | 'tools' | 'toolChoice' | 'stop'>;

export interface LlavaChatFields extends BaseChatModelParams {
  model: LlavaOneVision;
  /** Holds unless a call's options say otherwise. */
  options?: OwnOptions;
  /** Opens the http(s) URLs of messages. Default false. */
  allowUrls?: boolean;
}

export interface LlavaCallOptions extends BaseChatModelCallOptions {
  tools?: BindToolsInput[];
  options?: OwnOptions;
}

export class ChatLlavaOneVision extends BaseChatModel<LlavaCallOptions> {
  readonly model: LlavaOneVision;
  readonly #options: OwnOptions;
  readonly #allowUrls: boolean;

  constructor({ model, options = {}, allowUrls = false, ...fields }: LlavaChatFields) {
    super(fields);
    this.model = model;
    this.#options = options;
    this.#allowUrls = allowUrls;
  }

  override _llmType(): string {
    return 'llava-onevision';
  }

  override bindTools(
    tools: BindToolsInput[],
    call: Partial<LlavaCallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, LlavaCallOptions> {
    return this.withConfig({ ...call, tools });
  }

  /** By a grammar rather than by calls, which the model was not trained on. */
  override withStructuredOutput(
    schema: Record<string, unknown> | StandardSchema,
    { includeRaw = false }: { includeRaw?: boolean } = {},
    // biome-ignore lint/suspicious/noExplicitAny: LangChain's own signatures have one for each kind of schema
  ): Runnable<BaseLanguageModelInput, any> {
    const options = { ...this.#options, responseFormat: { type: 'json_schema' as const, schema } };
    const read = RunnableLambda.from((raw: AIMessageChunk) => {
      const parsed: unknown = parseJson(raw.text) ?? null;
      if (includeRaw) return { raw, parsed };
      if (parsed === null) throw new OutputParserException('No whole JSON', raw.text);
      return parsed;
    });
    return this.withConfig({ options }).pipe(read);
  }

  override async _generate(
    messages: BaseMessage[],
    call: this['ParsedCallOptions'],
  ): Promise<LangChainResult> {
    const result = await this.#start(messages, call).result;
    const calls = result.toolCalls?.map(({ id, name, arguments: args }) => ({ id, name, args }));
    const message = new AIMessageChunk({
      content: result.text,
      ...(calls && { tool_calls: calls }),
      ...endOf(result),
    });
    return { generations: [{ text: result.text, message }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    call: this['ParsedCallOptions'],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const stream = this.#start(messages, call);
    for await (const chunk of stream) {
      if (chunk.text === '' && !chunk.toolCalls) continue;
      const generation = generationOf(chunk);
      yield generation;
      await run?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, {
        chunk: generation,
      });
    }
    const message = new AIMessageChunk({ content: '', ...endOf(await stream.result) });
    yield new ChatGenerationChunk({ text: '', message });
  }

  #start(messages: BaseMessage[], call: this['ParsedCallOptions']) {
    const { tools = [], tool_choice: choice, stop, signal } = call;
    const functions = tools.map((tool) => convertToOpenAITool(tool).function);
    return this.model.chat(
      messages.map((message) => messageOf(message, this.#allowUrls)),
      {
        ...{ ...this.#options, ...call.options },
        ...(stop && { stop }),
        ...(signal && { signal }),
        ...(functions.length > 0 && { tools: functions, toolChoice: choiceOf(choice) }),
      },
    );
  }
}

function choiceOf(choice: LlavaCallOptions['tool_choice'] = 'auto'): ToolChoice {
  if (isRecord(choice))
    return { name: String(isRecord(choice.function) ? choice.function.name : choice.name) };
  if (choice === 'any') return 'required';
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice;
  return { name: String(choice) };
}

function generationOf({ text, toolCalls = [] }: ChatChunk): ChatGenerationChunk {
  // LangChain joins a call's pieces over chunks, not within one, and their names too: those are told once.
  const pieces: ToolCallChunk[] = [];
  for (const { index, id, name, arguments: args } of toolCalls) {
    const last = pieces.at(-1);
    if (last?.index === index) last.args += args;
    else pieces.push({ type: 'tool_call_chunk', index, args, ...(args === '' && { id, name }) });
  }
  const message = new AIMessageChunk({
    content: text,
    ...(pieces.length > 0 && { tool_call_chunks: pieces }),
  });
  return new ChatGenerationChunk({ text, message });
}

function endOf({ finishReason, usage, seed }: ChatResult) {
  const { promptTokens, completionTokens, cachedTokens, visualTokens } = usage;
  return {
    usage_metadata: {
      ...{ input_tokens: promptTokens, output_tokens: completionTokens },
      total_tokens: promptTokens + completionTokens,
      input_token_details: { cache_read: cachedTokens },
    },
    response_metadata: { finish_reason: finishReason, visual_tokens: visualTokens, seed },
  };
}
