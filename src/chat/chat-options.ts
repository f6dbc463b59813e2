/** What a caller may say about one chat, checked when `chat()` is called. */
import type { NativeSamplerOptions } from '../binding.js';
import { LONGEST_DRAFT } from '../engine/drafts.js';
import { invalidArgument } from '../errors.js';
import {
  type AnswerFormat,
  type ResponseFormat,
  resolveFormat,
} from '../grammar/response-format.js';
import {
  checkBoolean,
  checkChoice,
  checkFunction,
  checkNumber,
  checkOptions,
  checkSignal,
  readable,
} from '../option-checks.js';
import { MULTI_IMAGE, type MultiImage } from '../vision/image-plan.js';
import {
  resolveSampling,
  SAMPLING_OPTIONS,
  type SamplingFacts,
  type SamplingOptions,
} from './sampling.js';
import { resolveTools, type Tool, type ToolChoice, type ToolSettings } from './tool-options.js';

export interface ChatProgress {
  /** 'encode' counts tiles of all pictures and frames of all clips, 'prefill' positions of the prompt. */
  stage: 'encode' | 'prefill';
  done: number;
  total: number;
}

/** @typeParam F the response format, which gives `parsed` its type. */
export interface ChatOptions<F extends ResponseFormat = ResponseFormat> extends SamplingOptions {
  /** Longest answer in tokens, 1 or more; its room in the context is set aside before the chat starts. Default: until
   *  the model stops or the context ends; beyond 512 tokens the answer then also ends when chats that run at the same
   *  time have used the context up. */
  maxTokens?: number;
  /** Room in the context that is set aside for the answer. Default: `maxTokens`, or 512 without it. Less lets more chats run
   *  at one time; an answer beyond it also ends when those have used the context up. */
  reservedTokens?: number;
  /** The answer ends before any of these texts. */
  stop?: string | readonly string[];
  /** The shape that the answer has to have: a schema that cannot be kept is refused with ERR_SCHEMA. */
  responseFormat?: F;
  /** Functions that the model may ask to be called; see `toolCalls` of the result. */
  tools?: readonly Tool[];
  /** Default 'auto'. */
  toolChoice?: ToolChoice;
  /** Whether one answer may hold several calls. Default true. */
  parallelToolCalls?: boolean;
  /** What several images become. Default: the model's. */
  multiImage?: MultiImage;
  /** Goes on in the last message, an assistant's text, instead of answering anew; the result has what is added alone. Not with
   *  `responseFormat`. Default false. */
  continueFinalMessage?: boolean;
  /** Guesses up to so many tokens at a time, 0 to 64, from where the last ones stood before, in the prompt or in the answer, and
   *  computes them in one step: sooner done where the answer quotes or repeats, as documents, JSON and code do. What is answered is
   *  up to the model alone, to the rounding of several rows at once: docs/performance.md. Default: the model's `lookup`, else 0. */
  lookup?: number;
  /** Visual rows and beginnings of prompts are taken from the caches only where a chat of the same scope has left them.
   *  Default: the scope that all chats without one share. */
  cacheScope?: string;
  signal?: AbortSignal;
  /** What it throws fails the chat. */
  onProgress?: (progress: ChatProgress) => void;
}

export interface ChatSettings {
  maxTokens: number | undefined;
  reservedTokens: number | undefined;
  stop: readonly string[];
  multiImage: MultiImage | undefined;
  isContinued: boolean;
  /** Undefined: the model's. */
  lookup: number | undefined;
  cacheScope: string | undefined;
  signal: AbortSignal | undefined;
  onProgress: ((progress: ChatProgress) => void) | undefined;
  sampling: NativeSamplerOptions;
  format: AnswerFormat | undefined;
  tools: ToolSettings | undefined;
  /** Chunks carry log-probabilities. */
  hasLogprobs: boolean;
}

const COUNT = { min: 1, max: 2 ** 31 - 1, integer: true, fallback: undefined };

const CHAT_OPTIONS = [
  'maxTokens',
  'reservedTokens',
  'stop',
  'responseFormat',
  'tools',
  'toolChoice',
  'parallelToolCalls',
  'multiImage',
  'continueFinalMessage',
  'lookup',
  'cacheScope',
  'signal',
  'onProgress',
  ...SAMPLING_OPTIONS,
] as const;

/** @throws ERR_INVALID_ARGUMENT, ERR_SCHEMA */
export function resolveChatOptions(given: unknown, model: SamplingFacts): ChatSettings {
  const options = checkOptions<ChatOptions>('options', given, CHAT_OPTIONS);
  return readable('options', given, () => settingsOf(options, model));
}

function settingsOf(options: ChatOptions, model: SamplingFacts): ChatSettings {
  return {
    maxTokens: checkNumber('maxTokens', options.maxTokens, COUNT),
    reservedTokens: checkNumber('reservedTokens', options.reservedTokens, COUNT),
    stop: checkStop(options.stop),
    multiImage: checkChoice('multiImage', options.multiImage, {
      of: MULTI_IMAGE,
      fallback: undefined,
    }),
    isContinued: checkBoolean('continueFinalMessage', options.continueFinalMessage, false),
    lookup: checkNumber('lookup', options.lookup, {
      min: 0,
      max: LONGEST_DRAFT,
      integer: true,
      fallback: undefined,
    }),
    cacheScope: checkScope(options.cacheScope),
    signal: checkSignal('signal', options.signal),
    onProgress: checkFunction('onProgress', options.onProgress),
    sampling: resolveSampling(options, model),
    hasLogprobs: options.topLogprobs !== undefined,
    ...resolveShape(options),
  };
}

function resolveShape(options: ChatOptions): Pick<ChatSettings, 'format' | 'tools'> {
  const format = resolveFormat(options.responseFormat);
  const tools = resolveTools(options.tools, options.toolChoice, options.parallelToolCalls);
  if (format && tools)
    throw invalidArgument('responseFormat', "no tools beside it, or toolChoice 'none',", 'both');
  // The grammar begins where an answer does.
  if (format && options.continueFinalMessage)
    throw invalidArgument('continueFinalMessage', 'no responseFormat beside it', 'both');
  return { format, tools };
}

function checkScope(option: unknown): string | undefined {
  if (option === undefined || typeof option === 'string') return option;
  throw invalidArgument('cacheScope', 'a text', option);
}

function checkStop(option: unknown): readonly string[] {
  if (option === undefined) return [];
  const stops: unknown[] = Array.isArray(option) ? option : [option];
  for (const stop of stops) {
    if (typeof stop !== 'string' || stop === '')
      throw invalidArgument('stop', 'a non-empty string or an array of them', stop);
  }
  return [...stops] as string[];
}
