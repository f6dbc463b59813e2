/**
 * The answer as it is written. Lazy: nothing is read, encoded or generated before the first read or the first look at
 * `result`; either starts the one run that both show. Chunks are kept, so a slow reader delays no other chat.
 */
import type { ToolCall } from '../prompt/messages.js';
import type { MediaSummary } from './planned-media.js';
import type { ToolCallDelta } from './tool-call-reader.js';

/** One generated token. */
export interface ChatChunk {
  /** Whole characters only; empty while a character or a stop string may be incomplete, and for special tokens. */
  text: string;
  token: number;
  /** With tools: pieces of calls that came with this token. */
  toolCalls?: ToolCallDelta[];
  /** With topLogprobs: its log-probability in the whole vocabulary, before penalties and temperature. */
  logprob?: number;
  /** With topLogprobs: its own text, special tokens spelled out; U+FFFD where it is a part of a character. */
  tokenText?: string;
  /** With topLogprobs: the token ended the answer; nothing of it is text. */
  isEnd?: true;
  /** With topLogprobs: the most probable tokens, best first. */
  top?: { token: number; text: string; logprob: number }[];
}

/** @typeParam P what `parsed` is. */
export interface ChatResult<P = unknown> {
  text: string;
  /** With a JSON response format: the value of an answer that ended by itself. Undefined otherwise, also where a
   *  schema object's own checks, which no grammar knows, refuse it. */
  parsed?: P | undefined;
  /** With tools: the calls that the model asked for, each complete; give them back in an assistant's message, and the
   *  results in messages of the role 'tool'. */
  toolCalls?: ToolCall[];
  /** Every generated id, the one that ended the answer included. */
  tokens: number[];
  /** 'stop': the model ended, or a stop string came. 'length': maxTokens or the context ran out. 'abort': the reader
   *  left its loop. 'tool-calls': the model ended, and asked for calls. */
  finishReason: 'stop' | 'length' | 'abort' | 'tool-calls';
  usage: {
    /** Positions of the prompt, visual ones included. */
    promptTokens: number;
    visualTokens: number;
    /** Positions of the prompt that were not computed again. */
    cachedTokens: number;
    completionTokens: number;
    /** With `lookup`: tokens that were guessed, and those of them that were right. */
    draftedTokens?: number;
    acceptedTokens?: number;
  };
  /** In the conversation's order. `cached`: its rows were not encoded for this chat. */
  media: (MediaSummary & { cached: boolean })[];
  timings: ChatTimings;
  /** Give it as an option to draw the same answer again. Rounding differs with what is cached and which chats run beside,
   *  and may tip a draw: for certain only with `prefixCache: false` and one chat at a time. */
  seed: number;
}

/** Wall time in ms; waiting for other chats' turns counts where it happens. */
export interface ChatTimings {
  /** Reading headers and laying out the prompt. */
  openMs: number;
  /** Waiting for a place in the context. */
  queueMs: number;
  /** Decoding pictures and cutting tiles, and waiting for the frames of clips. */
  decodeMs: number;
  encodeMs: number;
  /** Until the first token. */
  prefillMs: number;
  generateMs: number;
  totalMs: number;
}

/** Why a run is aborted when its reader breaks out of the loop. */
export const READER_LEFT = new DOMException('The reader left the stream', 'AbortError');

/** @param signal aborts with READER_LEFT, upon which the run resolves with what it has */
export type ChatRun<P> = (
  emit: (chunk: ChatChunk) => void,
  signal: AbortSignal,
) => Promise<ChatResult<P>>;

export class ChatStream<P = unknown> implements AsyncIterable<ChatChunk> {
  readonly #run: ChatRun<P>;
  readonly #left = new AbortController();
  readonly #chunks: ChatChunk[] = [];
  #result: Promise<ChatResult<P>> | undefined;
  #hasEnded = false;
  #wakeReaders = () => {};
  #news!: Promise<void>;

  constructor(run: ChatRun<P>) {
    this.#run = run;
    this.#awaitNews();
  }

  /**
   * The whole answer; reading this property starts the run. After a `break` out of the loop it resolves with what was
   * generated so far and finishReason 'abort'. A failure that a loop has thrown to its reader is not reported as unhandled.
   * @throws what the chat meets: ERR_CONTEXT_FULL, ERR_IMAGE_DECODE, ERR_DECODE, ERR_DISPOSED, signal.reason …
   */
  get result(): Promise<ChatResult<P>> {
    this.#result ??= this.#start();
    return this.#result;
  }

  /** Chunks from the first on, for every reader. Breaking out of a loop aborts the chat and frees its place. */
  [Symbol.asyncIterator](): AsyncIterator<ChatChunk, undefined> {
    let position = 0;
    let hasLeft = false;
    const done = { done: true as const, value: undefined };
    return {
      next: async () => {
        const { result } = this;
        while (!hasLeft) {
          const value = this.#chunks[position];
          if (value) {
            position++;
            return { done: false, value };
          }
          if (this.#hasEnded) {
            hasLeft = true;
            await result;
          } else await this.#news;
        }
        return done;
      },
      return: async () => {
        hasLeft = true;
        if (this.#result && !this.#hasEnded) {
          this.#left.abort(READER_LEFT);
          this.#announce();
          await this.#result.catch(() => {});
        }
        return done;
      },
    };
  }

  #start(): Promise<ChatResult<P>> {
    const emit = (chunk: ChatChunk) => {
      this.#chunks.push(chunk);
      this.#announce();
    };
    const result = this.#run(emit, this.#left.signal).finally(() => {
      this.#hasEnded = true;
      this.#announce();
    });
    result.catch(() => {});
    return result;
  }

  #announce(): void {
    this.#wakeReaders();
    this.#awaitNews();
  }

  #awaitNews(): void {
    this.#news = new Promise((resolve) => {
      this.#wakeReaders = resolve;
    });
  }
}
