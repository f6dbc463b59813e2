/**
 * Many questions, several under way at a time, each answered or recorded with its error. Items are taken as there is room
 * for them and nothing is kept of them but an id and where its answer stands in the file.
 */
import { type Items, mapAtOnce } from '../at-once.js';
import type { ChatOptions } from '../chat/chat-options.js';
import type { ChatResult } from '../chat/chat-stream.js';
import { invalidArgument, type LlavaError } from '../errors.js';
import type { Message } from '../prompt/messages.js';
import type { BatchProgress, BatchSettings } from './batch-options.js';
import { failsOne } from './failure.js';
import { type AskedItem, askedItem, type BatchItem } from './item.js';
import type { BatchRecord } from './record.js';
import { ResultsFile } from './results-file.js';

/** An answer, or why there is none; `index` counts the batch's items. */
export type BatchAnswer<P = unknown> = { id: string; index: number } & (
  | (ChatResult<P> & { error?: undefined })
  | { error: LlavaError; text?: undefined; parsed?: undefined }
);

/** @throws at once what is wrong with the conversation or the options */
export type Ask = (messages: Message[], options: ChatOptions) => { result: Promise<ChatResult> };

export class Batch {
  readonly #items: Items<string | BatchItem>;
  readonly #settings: BatchSettings;
  readonly #ask: Ask;
  /** By id, what was asked: in the order of the items, once all are through. */
  readonly #seen = new Map<string, string>();
  readonly #progress: BatchProgress = { done: 0, asked: 0, errors: 0, repeated: 0 };
  #file: ResultsFile | undefined;
  #count = 0;

  constructor(items: Items<string | BatchItem>, settings: BatchSettings, ask: Ask) {
    this.#items = items;
    this.#settings = settings;
    this.#ask = ask;
  }

  get progress(): BatchProgress {
    return { ...this.#progress };
  }

  /** As answers come. @throws ERR_INVALID_ARGUMENT for an item that is none, ERR_BATCH_RESULTS, ERR_WRITE, signal.reason */
  async *run(): AsyncGenerator<BatchAnswer, undefined> {
    const { out, format, concurrency: limit, signal } = this.#settings;
    signal?.throwIfAborted();
    if (out !== undefined) this.#file = await ResultsFile.open(out, format);
    try {
      const work = (item: unknown, either: AbortSignal) => this.#one(item, this.#count++, either);
      for await (const answer of mapAtOnce<unknown, BatchAnswer | undefined>(
        this.#items,
        { limit, signal },
        work,
      ))
        if (answer) yield answer;
      await this.#file?.order(new Set(this.#seen.keys()));
    } finally {
      await this.#file?.close();
    }
  }

  /** @returns undefined where nothing had to be asked */
  async #one(given: unknown, index: number, signal: AbortSignal): Promise<BatchAnswer | undefined> {
    const { asking, digest, isRetrying } = this.#settings;
    const item = await askedItem(given, index, asking);
    if (this.#isRepeated(item, index)) return undefined;
    const { id, question } = item;
    const found = this.#file?.find({ id, question, settings: digest });
    if (found && !(found.isError && isRetrying)) {
      this.#tell({ isAsked: false, isError: found.isError });
      return undefined;
    }
    const answer = await this.#answer(item, index, signal);
    await this.#file?.append(recordOf(answer, question, digest));
    this.#tell({ isAsked: true, isError: answer.error !== undefined });
    return answer;
  }

  /** @throws ERR_INVALID_ARGUMENT for an id that stands for two questions */
  #isRepeated({ id, question }: AskedItem, index: number): boolean {
    const before = this.#seen.get(id);
    this.#seen.set(id, question);
    if (before === undefined) return false;
    if (before !== question)
      throw invalidArgument(`items[${index}].id`, 'an id of its own for each question', id);
    this.#progress.repeated++;
    this.#settings.onProgress?.(this.progress);
    return true;
  }

  async #answer(
    { id, messages }: AskedItem,
    index: number,
    signal: AbortSignal,
  ): Promise<BatchAnswer> {
    const stream = this.#ask(messages, { ...this.#settings.chat, signal });
    try {
      return { id, index, ...(await stream.result) };
    } catch (error) {
      signal.throwIfAborted();
      if (!failsOne(error)) throw error;
      return { id, index, error };
    }
  }

  #tell({ isAsked, isError }: { isAsked: boolean; isError: boolean }): void {
    this.#progress.done++;
    this.#progress.asked += Number(isAsked);
    this.#progress.errors += Number(isError);
    this.#settings.onProgress?.(this.progress);
  }
}

function recordOf(answer: BatchAnswer, question: string, settings: string): BatchRecord {
  const { id, error } = answer;
  if (error) return { id, error: { code: error.code, message: error.message }, question, settings };
  const { text, parsed, toolCalls, finishReason, usage } = answer;
  const { promptTokens, visualTokens, completionTokens } = usage;
  return {
    ...{ id, text },
    ...(parsed !== undefined && { parsed }),
    ...(toolCalls && { toolCalls }),
    finishReason,
    usage: { promptTokens, visualTokens, completionTokens },
    ...{ question, settings },
  };
}
