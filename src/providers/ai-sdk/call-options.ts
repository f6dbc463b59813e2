/** The AI SDK's options of one call to those of a chat, and warnings about what has no place there. */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4ToolChoice,
  SharedV4Warning,
} from '@ai-sdk/provider';
import type { ChatOptions } from '../../chat/chat-options.js';
import type { Tool, ToolChoice } from '../../chat/tool-options.js';
import type { ResponseFormat } from '../../grammar/response-format.js';
import { checkOptions } from '../../option-checks.js';
import type { Message } from '../../prompt/messages.js';
import { messagesOf, PROVIDER_KEY } from './prompt.js';

/** What the AI SDK has no name for: `providerOptions: { llavaOneVision: { frames: 16 } }`. */
export interface LlavaProviderOptions
  extends Pick<
    ChatOptions,
    'minP' | 'typicalP' | 'repetitionPenalty' | 'logitBias' | 'multiImage'
  > {
  /** How many frames of each clip to look at; a clip's own `providerOptions` may say otherwise. */
  frames?: number;
  /** GBNF that answers keep. */
  grammar?: string;
}

export interface Call {
  messages: Message[];
  options: ChatOptions;
  warnings: SharedV4Warning[];
}

const OWN = [
  ...['minP', 'typicalP', 'repetitionPenalty', 'logitBias', 'multiImage', 'frames', 'grammar'],
] as (keyof LlavaProviderOptions)[];

/** @param defaults what holds unless the call says otherwise @throws ERR_INVALID_ARGUMENT */
export function callOf(given: LanguageModelV4CallOptions, defaults: LlavaProviderOptions): Call {
  const warnings: SharedV4Warning[] = [];
  const own = given.providerOptions?.[PROVIDER_KEY];
  const { frames, grammar, ...more } = {
    ...defaults,
    ...checkOptions<LlavaProviderOptions>(`providerOptions.${PROVIDER_KEY}`, own, OWN),
  };
  const messages = messagesOf(given.prompt, frames, warnings);
  const tools = toolsOf(given, warnings);
  const format = formatOf(given, grammar);
  const isFree = given.toolChoice?.type === 'none' || !tools.tools;
  if (format && !isFree)
    warn(warnings, 'responseFormat', 'tools beside it have the say: what is no call is free text');
  if (given.reasoning && !['none', 'provider-default'].includes(given.reasoning))
    warn(warnings, 'reasoning', 'the model does not reason');
  const options: ChatOptions = {
    ...more,
    ...present({
      maxTokens: given.maxOutputTokens,
      temperature: given.temperature,
      topP: given.topP,
      topK: given.topK,
      presencePenalty: given.presencePenalty,
      frequencyPenalty: given.frequencyPenalty,
      seed: given.seed,
      signal: given.abortSignal,
      stop: given.stopSequences,
    }),
    ...tools,
    ...(format && isFree && { responseFormat: format }),
  };
  return { messages, options, warnings };
}

function toolsOf(
  { tools: given = [], toolChoice }: LanguageModelV4CallOptions,
  warnings: SharedV4Warning[],
): Pick<ChatOptions, 'tools' | 'toolChoice'> {
  const tools = given.flatMap((tool): Tool[] => {
    if (tool.type === 'function') {
      const { name, description, inputSchema } = tool;
      const parameters = inputSchema as Record<string, unknown>;
      return [{ name, parameters, ...(description !== undefined && { description }) }];
    }
    warn(warnings, `the provider's tool ${tool.id}`);
    return [];
  });
  return tools.length > 0 ? { tools, toolChoice: choiceOf(toolChoice) } : {};
}

function choiceOf(choice: LanguageModelV4ToolChoice = { type: 'auto' }): ToolChoice {
  return choice.type === 'tool' ? { name: choice.toolName } : choice.type;
}

function formatOf(
  { responseFormat }: LanguageModelV4CallOptions,
  grammar: string | undefined,
): ResponseFormat | undefined {
  if (responseFormat?.type !== 'json')
    return grammar === undefined ? undefined : { type: 'grammar', grammar };
  const schema = responseFormat.schema as Record<string, unknown> | undefined;
  return schema ? { type: 'json_schema', schema } : { type: 'json_object' };
}

function present<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: NonNullable<T[K]> };
}

function warn(warnings: SharedV4Warning[], feature: string, details?: string): void {
  warnings.push({ type: 'unsupported', feature, ...(details !== undefined && { details }) });
}
