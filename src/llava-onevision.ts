/** The public class: a loaded model that chats. Everything it does is in engine/; here are the doors. */
import type { BackendInfo } from './addon/backend.js';
import { backendFor } from './addon/load-addon.js';
import { rpcDevices } from './addon/rpc-servers.js';
import type { Items } from './at-once.js';
import type { BatchOptions } from './batch/batch-options.js';
import type { BatchStream } from './batch/batch-stream.js';
import type { BatchItem } from './batch/item.js';
import { startBatch } from './batch/start-batch.js';
import { Chat } from './chat/chat.js';
import { type ChatOptions, resolveChatOptions } from './chat/chat-options.js';
import { ChatStream } from './chat/chat-stream.js';
import {
  type Conversation,
  checkMedia,
  type RenderedPrompt,
  renderConversation,
  withConversation,
} from './chat/conversation.js';
import { drawConversation } from './chat/drawing/draw-conversation.js';
import { encodeMedia } from './chat/encode-media.js';
import type { Engine } from './chat/engine.js';
import { describeMedia, type MediaSummary } from './chat/planned-media.js';
import { checkRenderOptions, type RenderOptions } from './chat/render-options.js';
import { Tasks } from './chat/tasks.js';
import type { Dialect } from './dialect.js';
import type { SchedulerStats } from './engine/scheduler.js';
import { admits } from './grammar/admits.js';
import type { Parsed, ResponseFormat } from './grammar/response-format.js';
import { loadEngine } from './load/load-engine.js';
import { type LoadOptions, type LoadSettings, resolveLoadOptions } from './load/load-options.js';
import { type LoadPlan, planLoad, readModelFiles } from './load/load-plan.js';
import type { MemoryEstimate } from './load/memory.js';
import { filesToLoad } from './models/files-to-load.js';
import { checkOptions, checkSignal } from './option-checks.js';
import { continuedText, type Message, validateMessages } from './prompt/messages.js';
import type { Session, SessionHost, SessionOptions } from './session/session.js';
import { loadSession, startSession } from './session/session-start.js';

export interface ModelInfo {
  /** What llama.cpp calls the decoder: architecture, size, type. */
  description: string;
  dialect: Dialect;
  /** Positions that all chats share. */
  contextSize: number;
  /** Positions that the model was trained on, the most one chat may use. */
  trainedContextSize: number;
  maxSequences: number;
  layers: number;
  /** Width of a visual row. */
  embeddingSize: number;
  vocabularySize: number;
  /** What computes, from which file, and why it was chosen. */
  backend: BackendInfo;
  gpuLayers: number;
  threads: number;
  /** The instruction set of our kernels, as far as the CPU computes; null: llama.cpp's kernels alone. */
  kernels: string | null;
  /** What was asked for and is otherwise, in words: fewer threads, memory that is not locked. */
  notes: readonly string[];
  /** The adapters that are applied. */
  lora: { path: string; scale: number }[];
  /** Where the vision tower runs; null for a model without one. */
  visionBackend: string | null;
  memory: MemoryEstimate;
}

/** What a model has to do at this moment; for metrics, and for those who admit requests. */
export interface ModelStats extends SchedulerStats {
  /** Tiles, or batches of tiles on a GPU, that wait for their turn: one of each picture or clip that is being encoded. */
  tilesQueued: number;
  /** Since the model was loaded: a picture that the cache has costs none. */
  tilesEncoded: number;
  /** Visual rows that are kept in plain memory. */
  visualCacheBytes: number;
}

/** The visual rows of one picture or clip. */
export interface EmbeddedMedia extends MediaSummary {
  /** [rows, width], newline rows included; yours. */
  data: Float32Array;
  width: number;
}

export class LlavaOneVision {
  readonly info: Readonly<ModelInfo>;
  readonly #engine: Engine;
  readonly #tasks = new Tasks();
  #disposing: Promise<void> | undefined;

  /** @internal Use `LlavaOneVision.load`. */
  constructor(engine: Engine, plan: LoadPlan) {
    this.#engine = engine;
    const { decoder, model, context, pool, tower } = engine;
    this.info = {
      description: model.description,
      dialect: plan.dialect,
      contextSize: context.nCtx,
      trainedContextSize: decoder.nCtxTrain,
      maxSequences: plan.maxSequences,
      layers: decoder.nLayer,
      embeddingSize: decoder.nEmbd,
      vocabularySize: decoder.nVocabUsed,
      backend: plan.backend,
      gpuLayers: plan.gpuLayers,
      threads: pool.threads,
      kernels: plan.kernels,
      notes: [...plan.notes, ...lockNotes(model.lockRefusal)],
      lora: plan.lora,
      visionBackend: tower?.encoder.backend ?? null,
      memory: plan.memory,
    };
  }

  /**
   * Loads a model by its name or its two files. `dispose` it after use, or declare it with `await using`.
   * @throws ERR_INVALID_ARGUMENT, ERR_MODEL_LOAD, ERR_MODEL_MISMATCH, ERR_OUT_OF_MEMORY, ERR_BINDING_NOT_FOUND,
   *  ERR_BACKEND_UNAVAILABLE, signal.reason; for a name also what `resolveModel` does
   */
  static async load(options: LoadOptions): Promise<LlavaOneVision> {
    const given = resolveLoadOptions(options);
    given.signal?.throwIfAborted();
    const settings = { ...given, ...(await filesOf(given)) };
    const files = await readModelFiles(settings);
    const addon = backendFor(settings.backend);
    const remote = await rpcDevices(addon, settings.rpcServers ?? [], settings);
    const plan = planLoad(files, settings, { ...addon, rpcDevices: remote });
    const { binding } = addon;
    return new LlavaOneVision(await loadEngine(files, plan, { settings, binding }), plan);
  }

  /**
   * Answers a conversation. Checks its arguments at once, but does no work before the stream is read or its result awaited.
   * @throws ERR_INVALID_ARGUMENT, ERR_SCHEMA, ERR_DISPOSED
   */
  chat<F extends ResponseFormat = ResponseFormat>(
    messages: readonly Message[],
    options?: ChatOptions<F>,
  ): ChatStream<Parsed<F>> {
    const checked = this.#check(messages);
    const settings = resolveChatOptions(options, this.#engine.decoder);
    if (settings.isContinued) continuedText(checked);
    const engine = this.#engine;
    return new ChatStream((emit, left) =>
      this.#tasks.run([settings.signal, left], (signal) =>
        new Chat({ engine, messages: checked, settings, emit, signal }).run(),
      ),
    ) as ChatStream<Parsed<F>>;
  }

  /**
   * Asks many items, several at a time; a failure of one is its answer. With `out` the answers are kept in a file, and those
   * that it has are not asked again. Does no work before it is read or its result awaited.
   * @param items paths and URLs of pictures or clips, or questions: a list, or a stream of any length
   * @throws ERR_INVALID_ARGUMENT, ERR_SCHEMA, ERR_DISPOSED
   */
  batch<F extends ResponseFormat = ResponseFormat>(
    items: Items<string | BatchItem>,
    options?: BatchOptions<F>,
  ): BatchStream<Parsed<F>> {
    this.#tasks.check();
    return startBatch(items, options, {
      ...{ engine: this.#engine, maxSequences: this.info.maxSequences },
      ask: (...asked) => this.chat(...asked),
    });
  }

  /** Whether a response format admits exactly this text. @throws ERR_INVALID_ARGUMENT, ERR_SCHEMA, ERR_DISPOSED;
   *  ERR_DECODE where the grammar can be read in too many ways */
  async matches(text: string, responseFormat: ResponseFormat): Promise<boolean> {
    this.#tasks.check();
    return admits(this.#engine.binding, text, responseFormat);
  }

  /** What the model will see of a conversation; reads the headers of pictures and clips, encodes nothing.
   *  @throws ERR_INVALID_ARGUMENT, ERR_IMAGE_DECODE, ERR_VIDEO_DECODE, ERR_FFMPEG_NOT_FOUND, ERR_DISPOSED, signal.reason;
   *   ERR_CONTEXT_FULL for texts that cannot fit, whatever their tokens are */
  async render(messages: readonly Message[], options?: RenderOptions): Promise<RenderedPrompt> {
    const own = this.#check(messages);
    const rendered = await this.#withConversation(own, options, renderConversation);
    const draw = (drawn: Conversation, signal: AbortSignal) =>
      drawConversation(drawn, this.#engine, signal);
    return { ...rendered, toSvg: async () => this.#withConversation(own, options, draw) };
  }

  /** The visual rows of each picture and clip, in the conversation's order, as this conversation would use them.
   *  @throws ERR_ENCODE, and what `render` does */
  async embed(messages: readonly Message[], options?: RenderOptions): Promise<EmbeddedMedia[]> {
    return this.#withConversation(messages, options, async ({ media }, signal) => {
      const embedded: EmbeddedMedia[] = [];
      for (const planned of media) {
        const { data } = await encodeMedia(planned, this.#engine, { signal });
        const width = data.length / planned.plan.rows;
        embedded.push({ ...describeMedia(planned), data: data.slice(), width });
      }
      return embedded;
    });
  }

  /** @throws ERR_DISPOSED */
  stats(): ModelStats {
    this.#tasks.check();
    const { scheduler, turns, rowCache } = this.#engine;
    const { tilesQueued } = turns;
    const { bytes: visualCacheBytes, tilesEncoded } = rowCache;
    return { ...scheduler.stats, tilesQueued, tilesEncoded, visualCacheBytes };
  }

  /** A conversation that keeps its history. Costs nothing until it is asked something.
   *  @throws ERR_INVALID_ARGUMENT, ERR_DISPOSED */
  session(options?: SessionOptions): Session {
    return startSession(options, this.#sessionHost());
  }

  /** A session that `session.save` has written. What the context held of it is restored if this model has the same decoder
   *  and cache types and the context has room; else the next chat computes it again.
   *  @throws ERR_SESSION_FILE, ERR_INVALID_ARGUMENT, ERR_DISPOSED, signal.reason */
  async loadSession(path: string, options?: { signal?: AbortSignal }): Promise<Session> {
    const { signal } = checkOptions<{ signal?: AbortSignal }>('options', options, ['signal']);
    return loadSession(path, this.#sessionHost(), checkSignal('signal', signal));
  }

  /** Stops what is running with ERR_DISPOSED, waits for it, then frees the model. May be called again. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #dispose(): Promise<void> {
    await this.#tasks.close();
    await this.#engine.dispose();
  }

  #sessionHost(): SessionHost {
    const engine = this.#engine;
    return {
      engine,
      checkMessages: (messages) => this.#check(messages),
      checkOptions: (options) => resolveChatOptions(options, engine.decoder),
      run: (signals, work) => this.#tasks.run(signals, work),
    };
  }

  #withConversation<T>(
    messages: readonly Message[],
    options: RenderOptions | undefined,
    work: (conversation: Conversation, signal: AbortSignal) => T | Promise<T>,
  ): Promise<T> {
    const checked = this.#check(messages);
    const { signal: given, ...resolved } = checkRenderOptions(options);
    return this.#tasks.run([given], (signal) =>
      withConversation(checked, this.#engine, {
        signal,
        ...resolved,
        work: (conversation) => work(conversation, signal),
      }),
    );
  }

  #check(messages: unknown): Message[] {
    this.#tasks.check();
    const checked = validateMessages(messages);
    checkMedia(checked, this.#engine);
    return checked;
  }
}

function filesOf(settings: LoadSettings) {
  const { onProgress } = settings;
  return filesToLoad(settings, {
    ...settings,
    onProgress: (progress) => {
      if (progress.stage === 'note') return;
      const isDownload = progress.stage === 'download';
      const fraction = isDownload ? progress.bytes / (progress.size || 1) : progress.fraction;
      onProgress?.({ stage: progress.stage, fraction });
    },
  });
}

function lockNotes(refusal: string): string[] {
  if (refusal === '') return [];
  return [
    `useMlock: the system does not keep all weights in memory (${refusal}); ` +
      'the limit of locked memory (`ulimit -l`) has to be raised.',
  ];
}
