/** A conversation that goes on: keeps its history and asks the model with it, so that the model's caches apply. */
import { Chat } from '../chat/chat.js';
import type { ChatOptions, ChatSettings } from '../chat/chat-options.js';
import { type ChatResult, ChatStream } from '../chat/chat-stream.js';
import type { Engine } from '../chat/engine.js';
import { invalidArgument, LlavaError } from '../errors.js';
import type { Parsed, ResponseFormat } from '../grammar/response-format.js';
import { checkOptions, checkPath, checkSignal } from '../option-checks.js';
import { type Message, mediaParts, type Part } from '../prompt/messages.js';
import type { MultiImage } from '../vision/image-plan.js';
import { saveKvState } from './kv-state.js';
import { writeSession } from './session-file.js';
import type { SavedSession } from './session-header.js';
import { SessionMedia } from './session-media.js';

export interface SessionOptions {
  /** What has been said before; a system message may be the first. */
  messages?: readonly Message[];
  /** The system message, in place of the dialect's; not with one among `messages`. */
  system?: string;
  /** What several images become, unless a chat says otherwise. Default: the model's. */
  multiImage?: MultiImage;
}

/** What a session needs of its model. */
export interface SessionHost {
  engine: Engine;
  /** @throws ERR_INVALID_ARGUMENT, ERR_DISPOSED */
  checkMessages(messages: readonly Message[]): Message[];
  /** @throws ERR_INVALID_ARGUMENT */
  checkOptions(options: ChatOptions | undefined): ChatSettings;
  /** Work that the model's disposal ends. */
  run<T>(
    signals: readonly (AbortSignal | undefined)[],
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
}

/** What a session starts with, checked. */
export interface SessionStart {
  messages: readonly Message[];
  multiImage: MultiImage | undefined;
  isRestored: boolean;
}

/** Made by `model.session()` or `model.loadSession()`. */
export class Session {
  /** Whether the context has the positions of a loaded session. If not, the next chat computes them again. */
  readonly isRestored: boolean;
  readonly #host: SessionHost;
  readonly #multiImage: MultiImage | undefined;
  readonly #media = new SessionMedia();
  readonly #closed = new AbortController();
  #history: Message[];
  #running: Promise<unknown> | undefined;

  /** @internal */
  constructor(host: SessionHost, { messages, multiImage, isRestored }: SessionStart) {
    this.#host = host;
    this.#history = [...messages];
    this.#multiImage = multiImage;
    this.isRestored = isRestored;
  }

  /** All that has been said, answers included. */
  get messages(): readonly Message[] {
    return [...this.#history];
  }

  /**
   * Asks the next question. Question and answer join `messages` when the stream ends with 'stop' or 'length'; an aborted or
   * failed chat leaves them as they were. One chat at a time. Pictures are read once and kept; arrays must not change.
   * @throws ERR_INVALID_ARGUMENT, ERR_DISPOSED
   */
  chat<F extends ResponseFormat = ResponseFormat>(
    content: string | Part[],
    options?: ChatOptions<F>,
  ): ChatStream<Parsed<F>> {
    this.#checkIdle();
    const question = this.#checkQuestion(content);
    const given = this.#host.checkOptions(options);
    const settings = { ...given, multiImage: given.multiImage ?? this.#multiImage };
    return new ChatStream((emit, left) =>
      this.#alone([settings.signal, left], async (signal) => {
        const { engine } = this.#host;
        const { timeoutMs } = engine.images;
        const asked = [...this.#history, question];
        const messages = await this.#media.hold(asked, { signal, timeoutMs });
        const result = await new Chat({ engine, messages, settings, emit, signal }).run();
        this.#remember(question, result);
        return result;
      }),
    ) as ChatStream<Parsed<F>>;
  }

  /** Forgets all but the system message. @throws ERR_INVALID_ARGUMENT during a chat, ERR_DISPOSED */
  clear(): void {
    this.#checkIdle();
    this.#history = this.#history.filter(({ role }) => role === 'system');
  }

  /**
   * Writes everything to one file: messages, pictures, and what the context holds of them; clips in files by their path.
   * @throws ERR_WRITE, ERR_INVALID_ARGUMENT during a chat, ERR_DISPOSED, signal.reason, and what reading a picture does
   */
  async save(path: string, options?: { signal?: AbortSignal }): Promise<void> {
    checkPath('path', path, 'the path of a file');
    const { signal: given } = checkOptions<{ signal?: AbortSignal }>('options', options, [
      'signal',
    ]);
    await this.#alone([checkSignal('signal', given)], async (signal) => {
      const messages = await this.#media.hold(this.#history, { signal });
      const kv = await this.#cached(messages, signal);
      await writeSession(path, { messages, multiImage: this.#multiImage, kv });
    });
  }

  /** Stops what is running with ERR_DISPOSED and waits for it. May be called again. */
  async dispose(): Promise<void> {
    this.#closed.abort(disposed());
    await this.#running?.catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #cached(messages: readonly Message[], signal: AbortSignal): Promise<SavedSession['kv']> {
    const { engine } = this.#host;
    const { kvFormat: format } = engine;
    if (format === null || messages.every(({ role }) => role === 'system')) return null;
    const state = await saveKvState(messages, engine, { signal, multiImage: this.#multiImage });
    return state && { ...state, format };
  }

  #remember(question: Message, { finishReason, text, toolCalls }: ChatResult): void {
    if (finishReason === 'abort') return;
    const calls = toolCalls?.length ? { toolCalls } : {};
    this.#history.push(question, { role: 'assistant', content: text, ...calls });
  }

  #checkQuestion(content: string | Part[]): Message {
    const question: Message = { role: 'user', content };
    const checked = this.#host.checkMessages([...this.#history, question]).at(-1)!;
    checkReadable([checked]);
    return checked;
  }

  /** @throws when a chat is running, also the one that is asked for by a stream made before it began */
  #checkIdle(): void {
    this.#closed.signal.throwIfAborted();
    if (this.#running)
      throw invalidArgument('session', 'one chat at a time', 'another while one is running');
  }

  async #alone<T>(
    signals: readonly (AbortSignal | undefined)[],
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    this.#checkIdle();
    const running = this.#host.run([this.#closed.signal, ...signals], work);
    this.#running = running;
    try {
      return await running;
    } finally {
      this.#running = undefined;
    }
  }
}

/** Every turn reads all media again. @throws ERR_INVALID_ARGUMENT */
export function checkReadable(messages: readonly Message[]): void {
  for (const part of mediaParts(messages)) {
    if (part.type !== 'video' || typeof part.video !== 'object') continue;
    if (Symbol.asyncIterator in part.video)
      throw invalidArgument('video', 'frames in an array, to be read again,', part.video);
  }
}

function disposed(): LlavaError {
  return new LlavaError('ERR_DISPOSED', 'The session has been disposed of.', { handle: 'session' });
}
