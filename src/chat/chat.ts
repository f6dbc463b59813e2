/** One chat from messages to result: lay out the prompt, wait for a place, encode the pictures, generate, write text. */

import type { NativeSample, NativeSampler, NativeSamplerOptions } from '../binding.js';
import { Drafts } from '../engine/drafts.js';
import { PromptKey } from '../engine/prompt-key.js';
import { PromptRows } from '../engine/prompt-rows.js';
import type { GenerateEnd, Sequence } from '../engine/sequence.js';
import type { Message } from '../prompt/messages.js';
import type { PromptSegment } from '../prompt/prompt-tokens.js';
import type { ChatSettings } from './chat-options.js';
import { type ChatChunk, type ChatResult, type ChatTimings, READER_LEFT } from './chat-stream.js';
import { type Conversation, openConversation, rowsOf } from './conversation.js';
import { encodeMedia } from './encode-media.js';
import type { Engine } from './engine.js';
import { penalizePrompt } from './penalty-scope.js';
import { closeMedia, describeMedia, type PlannedMedia } from './planned-media.js';
import { TextDecoderWithStops } from './text-out.js';
import { ToolCallReader } from './tool-call-reader.js';

export interface ChatRequest {
  engine: Engine;
  messages: readonly Message[];
  settings: ChatSettings;
  emit: (chunk: ChatChunk) => void;
  signal: AbortSignal;
}

export class Chat {
  readonly #request: ChatRequest;
  readonly #tokens: number[] = [];
  readonly #text: TextDecoderWithStops;
  readonly #calls: ToolCallReader | undefined;
  #written = '';
  /** The model ended the answer, and no stop string or limit. */
  #hasEnded = false;
  #conversation: Conversation | undefined;
  #sequence: Sequence | undefined;
  /** Pictures and clips that were not encoded for this chat. */
  readonly #cached = new Set<PlannedMedia>();
  readonly #drafts: Drafts | undefined;
  readonly #started = performance.now();
  readonly #timings: ChatTimings = {
    openMs: 0,
    queueMs: 0,
    decodeMs: 0,
    encodeMs: 0,
    prefillMs: 0,
    generateMs: 0,
    totalMs: 0,
  };

  constructor(request: ChatRequest) {
    this.#request = request;
    this.#text = new TextDecoderWithStops(request.settings.stop);
    const { lookup: most = request.engine.lookup } = request.settings;
    if (most > 0) this.#drafts = new Drafts({ most, ends: request.engine.endTokens });
    if (request.settings.tools) this.#calls = new ToolCallReader();
  }

  /** @throws what `ChatStream.result` says */
  async run(): Promise<ChatResult> {
    try {
      return await this.#result(await this.#answer());
    } catch (error) {
      if (this.#request.signal.reason !== READER_LEFT) throw error;
      return this.#result('abort');
    }
  }

  async #answer(): Promise<GenerateEnd> {
    const { engine, messages, settings, signal } = this.#request;
    const conversation = await this.#timed('openMs', () =>
      openConversation(messages, engine, {
        ...{ signal, multiImage: settings.multiImage, tools: settings.tools?.tools },
        ...{ cacheScope: settings.cacheScope, isContinued: settings.isContinued },
      }),
    );
    this.#conversation = conversation;
    const { segments, media, rows } = conversation;
    const key = PromptKey.of(segments, media, settings.cacheScope);
    const { maxTokens, reservedTokens: reserved } = settings;
    const place = { key, rows, maxTokens, reserved };
    try {
      const sequence = await this.#timed('queueMs', () =>
        engine.scheduler.open({ ...place, signal }),
      );
      this.#sequence = sequence;
      try {
        const prompt = await this.#encode(conversation, sequence.nPast);
        return await this.#generate(sequence, prompt);
      } finally {
        engine.scheduler.close(sequence);
      }
    } finally {
      await closeMedia(conversation.media);
    }
  }

  /** Pictures are encoded only now that the chat has its place: those in the queue hold no rows in memory.
   *  What lies within the first `nCached` positions is left out. */
  async #encode({ segments, media }: Conversation, nCached: number): Promise<PromptRows> {
    const { engine, settings, signal } = this.#request;
    const missing = afterPositions(segments, media, nCached);
    const wanted = missing.segments.flatMap((item) => ('tokens' in item ? [] : media[item.media]!));
    for (const planned of media) if (!wanted.includes(planned)) this.#cached.add(planned);
    const total = wanted.reduce((sum, { plan }) => sum + plan.nTiles, 0);
    const runs: (Int32Array | Float32Array)[] = [];
    let nDone = 0;
    for (const segment of missing.segments) {
      if ('tokens' in segment) {
        runs.push(segment.tokens);
        continue;
      }
      const planned = media[segment.media]!;
      const { data, isCached } = await encodeMedia(planned, engine, {
        signal,
        onTile: (done) => settings.onProgress?.({ stage: 'encode', done: nDone + done, total }),
        onTime: (stage, ms) => {
          this.#timings[stage] += ms;
        },
      });
      nDone += planned.plan.nTiles;
      if (isCached) this.#cached.add(planned);
      runs.push(data);
    }
    return new PromptRows(runs, engine.decoder.nEmbd, missing.start);
  }

  async #generate(sequence: Sequence, prompt: PromptRows): Promise<GenerateEnd> {
    const { engine, settings } = this.#request;
    const { binding, model, scheduler } = engine;
    const sampler: NativeSampler = new binding.Sampler(model, {
      ...settings.sampling,
      ...this.#grammar(),
    });
    penalizePrompt(sampler, this.#conversation!, engine);
    const start = performance.now();
    let firstToken = 0;
    try {
      return await scheduler.generate(sequence, {
        prompt,
        sampler,
        drafts: this.#drafts,
        onPrefill: (done, total) => settings.onProgress?.({ stage: 'prefill', done, total }),
        onSample: (sample, isLast) => {
          firstToken ||= performance.now();
          return this.#write(sample, isLast);
        },
      });
    } finally {
      const end = performance.now();
      this.#timings.prefillMs = (firstToken || end) - start;
      this.#timings.generateMs = firstToken && end - firstToken;
      await sampler.dispose();
    }
  }

  #grammar(): Partial<NativeSamplerOptions> {
    const { engine, settings } = this.#request;
    const { grammar = settings.format?.grammar, trigger = '' } = settings.tools ?? {};
    if (grammar === undefined) return {};
    return { grammar, grammarTrigger: trigger, endTokens: Int32Array.from(engine.endTokens) };
  }

  /** @returns whether the answer goes on */
  #write(sample: NativeSample, isLast: boolean): boolean {
    const { engine, settings, emit } = this.#request;
    const { token } = sample;
    const isEnd = engine.endTokens.has(token);
    const bytes = isEnd ? new Uint8Array() : engine.model.tokenBytes(token, false);
    const { text: raw, isStopped } = this.#text.push(bytes, isEnd || isLast);
    const { text, ...calls } = this.#readCalls(raw, isEnd || isLast || isStopped);
    this.#tokens.push(token);
    this.#written += text;
    this.#hasEnded = isEnd;
    emit({ text, token, ...calls, ...(settings.hasLogprobs ? this.#logprobs(sample) : {}) });
    return !isEnd && !isStopped;
  }

  #readCalls(raw: string, isLast: boolean): Pick<ChatChunk, 'text' | 'toolCalls'> {
    if (!this.#calls) return { text: raw };
    const { text, deltas } = this.#calls.push(raw, isLast);
    return deltas.length > 0 ? { text, toolCalls: deltas } : { text };
  }

  #logprobs({ token, logprob, topTokens, topLogprobs }: NativeSample): Partial<ChatChunk> {
    const { engine } = this.#request;
    const { model } = engine;
    const textOf = (id: number) =>
      new TextDecoder('utf-8', { ignoreBOM: true }).decode(model.tokenBytes(id, true));
    const top = Array.from(topTokens, (id, i) => ({
      token: id,
      text: textOf(id),
      logprob: topLogprobs[i]!,
    }));
    const isEnd = engine.endTokens.has(token);
    return { logprob, tokenText: textOf(token), top, ...(isEnd && { isEnd }) };
  }

  async #result(finishReason: ChatResult['finishReason']): Promise<ChatResult> {
    const media = this.#conversation?.media ?? [];
    const { format } = this.#request.settings;
    const parsed = this.#hasEnded ? await format?.parse(this.#written) : undefined;
    this.#timings.totalMs = performance.now() - this.#started;
    return {
      text: this.#written,
      ...(format ? { parsed } : {}),
      ...(this.#calls ? { toolCalls: this.#calls.calls } : {}),
      tokens: this.#tokens,
      finishReason: this.#calls?.calls.length && this.#hasEnded ? 'tool-calls' : finishReason,
      usage: {
        promptTokens: this.#conversation?.rows ?? 0,
        visualTokens: media.reduce((sum, { plan }) => sum + plan.rows, 0),
        cachedTokens: this.#sequence?.nCached ?? 0,
        completionTokens: this.#tokens.length,
        ...this.#drafted(),
      },
      media: media.map((item) => ({ ...describeMedia(item), cached: this.#cached.has(item) })),
      timings: this.#timings,
      seed: this.#request.settings.sampling.seed,
    };
  }

  #drafted(): { draftedTokens: number; acceptedTokens: number } | undefined {
    if (!this.#drafts) return undefined;
    const { drafted, accepted } = this.#drafts;
    return { draftedTokens: drafted, acceptedTokens: accepted };
  }

  async #timed<T>(stage: keyof ChatTimings, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.#timings[stage] = performance.now() - start;
    }
  }
}

/** The segments that do not end within the first `positions`, and where they start. */
function afterPositions(
  segments: readonly PromptSegment[],
  media: readonly PlannedMedia[],
  positions: number,
): { segments: readonly PromptSegment[]; start: number } {
  let start = 0;
  for (const [i, segment] of segments.entries()) {
    const end = start + rowsOf(segment, media);
    if (end > positions) return { segments: segments.slice(i), start };
    start = end;
  }
  return { segments: [], start };
}
