/** What a caller may say about a batch, checked when `batch()` is called. */
import { createHash } from 'node:crypto';
import { type ChatOptions, type ChatSettings, resolveChatOptions } from '../chat/chat-options.js';
import type { Engine } from '../chat/engine.js';
import { invalidArgument } from '../errors.js';
import type { ResponseFormat } from '../grammar/response-format.js';
import { inputSchema, isStandardSchema } from '../grammar/standard-schema.js';
import {
  checkBoolean,
  checkChoice,
  checkFunction,
  checkNumber,
  checkPath,
  isRecord,
} from '../option-checks.js';
import { csvFormat } from './csv.js';
import type { Asking } from './item.js';
import { JSON_LINES, type RecordFormat } from './record.js';

export interface BatchProgress {
  /** Items that have an answer or an error, of this run or an earlier one. */
  done: number;
  /** In this run. */
  asked: number;
  /** Among `done`. */
  errors: number;
  /** Items that stood in the batch before: asked once. */
  repeated: number;
}

/** @typeParam F the response format, which gives `parsed` its type. */
export interface BatchOptions<F extends ResponseFormat = ResponseFormat>
  extends Omit<ChatOptions<F>, 'onProgress'> {
  /** The question about items that bring none. */
  prompt?: string;
  /** The system message of items that are no conversation, in place of the dialect's. */
  system?: string;
  /** How many frames of each clip to look at, 1 to 4096. Default 32. */
  frames?: number;
  /** Items under way at a time, 1 to 256. Default: what the model was loaded for, `info.maxSequences`. */
  concurrency?: number;
  /** A file that keeps the answers. What it has already is not asked again. */
  out?: string;
  /** Of that file. Default: 'csv' where its name ends so, else 'jsonl'. */
  format?: 'jsonl' | 'csv';
  /** Asks again what failed before. */
  retryErrors?: boolean;
  /** Default 512, so that no answer depends on what else is under way. */
  maxTokens?: number;
  /** What it throws ends the batch. */
  onProgress?: (progress: BatchProgress) => void;
}

export interface BatchSettings {
  asking: Asking;
  concurrency: number;
  out: string | undefined;
  format: RecordFormat;
  isRetrying: boolean;
  signal: AbortSignal | undefined;
  onProgress: ((progress: BatchProgress) => void) | undefined;
  chat: ChatOptions;
  /** Of the model and of every option that answers depend on. */
  digest: string;
}

const MAX_TOKENS = 512;
const MAX_FRAMES = 4096;

/** @param maxSequences of the model @throws ERR_INVALID_ARGUMENT, ERR_SCHEMA */
export function resolveBatchOptions(
  given: BatchOptions | undefined,
  engine: Engine,
  maxSequences: number,
): BatchSettings {
  const { prompt, system, frames, concurrency, out, format, retryErrors, onProgress, ...chat } =
    given ?? {};
  const options = { maxTokens: MAX_TOKENS, ...chat };
  const settings = resolveChatOptions(options, engine.decoder);
  const range = { min: 1, max: MAX_FRAMES, integer: true, fallback: undefined };
  const asking = {
    prompt: checkText('prompt', prompt),
    system: checkText('system', system),
    frames: checkNumber('frames', frames, range),
  };
  const path = out === undefined ? undefined : checkPath('out', out, 'the path of a file');
  const fallback = path && /\.csv$/i.test(path) ? 'csv' : 'jsonl';
  const kind = checkChoice('format', format, { of: ['jsonl', 'csv'], fallback });
  return {
    asking,
    concurrency: checkNumber('concurrency', concurrency, {
      ...{ min: 1, max: 256, integer: true },
      fallback: maxSequences,
    }),
    out: path,
    format: kind === 'csv' ? csvFormat(propertiesOf(options.responseFormat)) : JSON_LINES,
    isRetrying: checkBoolean('retryErrors', retryErrors, false),
    signal: settings.signal,
    onProgress: checkFunction('onProgress', onProgress),
    chat: options,
    digest: digestOf(settings, options, engine),
  };
}

function checkText(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalidArgument(name, 'a text', value);
  return value;
}

/** The columns of a table. */
function propertiesOf(format: ResponseFormat | undefined): string[] {
  if (format?.type !== 'json_schema') return [];
  const schema = isStandardSchema(format.schema) ? inputSchema(format.schema) : format.schema;
  return isRecord(schema) && isRecord(schema.properties) ? Object.keys(schema.properties) : [];
}

function digestOf(settings: ChatSettings, given: ChatOptions, engine: Engine): string {
  const { maxTokens, stop, multiImage, isContinued, sampling, format, tools } = settings;
  const { seed, biasTokens, biasValues, ...drawn } = sampling;
  const told = {
    fingerprints: engine.fingerprints,
    dialect: engine.dialect,
    multiImage: multiImage ?? engine.multiImage,
    ...{ maxTokens, stop, ...drawn, bias: [[...biasTokens], [...biasValues]] },
    ...(isContinued && { isContinued }),
    ...(given.seed !== undefined && { seed }),
    ...{ grammar: format?.grammar, tools },
  };
  return createHash('sha256').update(JSON.stringify(told)).digest('hex').slice(0, 16);
}
