/**
 * Headers and a plan to an engine: say what memory it takes, then load, decoder first. A load that fails or is
 * cancelled gives back everything it has taken.
 */

import { callCancellable } from '../addon/call-cancellable.js';
import type {
  NativeBinding,
  NativeContext,
  NativeHandle,
  NativeModel,
  NativeThreadPool,
} from '../binding.js';
import { disposeAll, Engine } from '../chat/engine.js';
import { type Dialect, dialectRules } from '../dialect.js';
import { Scheduler } from '../engine/scheduler.js';
import { Turns } from '../engine/turns.js';
import type { DecoderFacts } from '../gguf/decoder-file.js';
import { withModelFiles } from '../gguf/metadata.js';
import { RowCache } from '../vision/row-cache.js';
import { RowFiles } from '../vision/row-files.js';
import type { Tower } from '../vision/visual-rows.js';
import { checkGpuMemory, checkLeftOver } from './gpu-shortage.js';
import type { LoadSettings } from './load-options.js';
import { type LoadPlan, type ModelFiles, nativeOutputs, nativeSequences } from './load-plan.js';
import { checkMemory, machineMemory } from './memory.js';

/** @throws ERR_OUT_OF_MEMORY, ERR_MODEL_LOAD, signal.reason */
export async function loadEngine(
  files: ModelFiles,
  plan: LoadPlan,
  options: { settings: LoadSettings; binding: NativeBinding },
): Promise<Engine> {
  const { settings, binding } = options;
  settings.onProgress?.({ stage: 'memory', fraction: 0, memory: plan.memory });
  checkMemory(plan.memory, machineMemory());
  checkGpuMemory(plan.memory);
  if (settings.log) binding.setLog(settings.log.level, shielded(settings.log.write));
  const loader = new EngineLoader(files, plan, options);
  try {
    return await loader.load();
  } catch (error) {
    await loader.giveBack();
    throw error;
  }
}

/** The addon's callbacks must not throw. */
function shielded(write: (level: string, text: string) => void): typeof write {
  return (level, text) => {
    try {
      write(level, text);
    } catch {}
  };
}

class EngineLoader {
  readonly #files: ModelFiles;
  readonly #plan: LoadPlan;
  readonly #settings: LoadSettings;
  readonly #binding: NativeBinding;
  /** What has been taken so far, parents first. */
  readonly #handles: NativeHandle[] = [];

  constructor(
    files: ModelFiles,
    plan: LoadPlan,
    { settings, binding }: { settings: LoadSettings; binding: NativeBinding },
  ) {
    this.#files = files;
    this.#plan = plan;
    this.#settings = settings;
    this.#binding = binding;
  }

  async load(): Promise<Engine> {
    const { decoder, fingerprints } = this.#files;
    const { memory, dialect, threads, gpuLayers, visionOnGpu } = this.#plan;
    const usesGpu = gpuLayers > 0 || visionOnGpu;
    const { maxPixels, autoOrient, mediaTimeoutMs, ffmpegPath, ffprobePath } = this.#settings;
    const { multiImage, lookup, onProgress } = this.#settings;
    const decoderShare = memory.weights / (memory.weights + memory.vision);
    const binding = this.#binding;
    const rowCache = await this.#openRowCache();
    const pool = this.#own(new binding.ThreadPool(threads, usesGpu));
    const { checked } = decoder;
    const adapters = this.#files.lora.map((adapter) => adapter.checked);
    const model = await withModelFiles([...checked, ...adapters], (names) =>
      this.#loadDecoder(decoderShare, {
        files: names.slice(0, checked.length),
        adapterFiles: names.slice(checked.length),
      }),
    );
    const context = await this.#createContext(model, pool);
    onProgress?.({ stage: 'context', fraction: decoderShare });
    const tower = await this.#loadTower(pool);
    checkLeftOver(memory, binding.devices());
    onProgress?.({ stage: 'vision', fraction: 1 });
    const turns = new Turns();
    const scheduler = new Scheduler(context, turns, {
      nCtxTrain: decoder.nCtxTrain,
      maxSequences: this.#settings.maxSequences,
      keepsPrefixes: this.#settings.prefixCache,
      maxParkedBytes: this.#settings.prefixCacheBytes,
    });
    const images = { maxPixels, autoOrient, timeoutMs: mediaTimeoutMs };
    const endTokens = findEndTokens(decoder, model, dialect);
    const kvFormat = this.#kvFormat();
    return new Engine(
      {
        binding,
        decoder,
        fingerprints,
        kvFormat,
        dialect,
        images,
        ffmpeg: { ffmpegPath, ffprobePath },
        multiImage,
        lookup,
        rowCache,
        pool,
        model,
        context,
        tower,
        turns,
        scheduler,
        endTokens,
      },
      this.#handles,
    );
  }

  giveBack(): Promise<void> {
    return disposeAll(this.#handles);
  }

  #kvFormat(): string | null {
    if (!this.#settings.prefixCache) return null;
    const { llamaVersion, ggmlCommit } = this.#binding.buildInfo();
    const { decoder, lora } = this.#files.fingerprints;
    const applied = this.#settings.lora
      .map(({ scale }, i) => [lora[i], scale])
      .filter(([, scale]) => scale !== 0);
    return JSON.stringify([
      decoder,
      this.#settings.kvType,
      llamaVersion,
      ggmlCommit,
      ...(applied.length > 0 ? [applied] : []),
    ]);
  }

  async #openRowCache(): Promise<RowCache> {
    const { visualCacheBytes, visualCacheDir } = this.#settings;
    const files = visualCacheDir === undefined ? null : await RowFiles.open(visualCacheDir);
    return new RowCache({ maxBytes: visualCacheBytes, files });
  }

  async #loadDecoder(
    share: number,
    opened: { files: string[]; adapterFiles: string[] },
  ): Promise<NativeModel> {
    const { useMmap, useMlock, signal, onProgress } = this.#settings;
    const { path } = this.#files.decoder;
    const { gpuLayers, gpus, shares } = this.#plan;
    const adapters = this.#settings.lora.map((adapter) => adapter.path);
    const options = {
      path,
      ...opened,
      gpuLayers,
      mmap: useMmap,
      mlock: useMlock,
      vocabOnly: false,
      kernels: this.#settings.kernels,
      adapters,
      devices: gpus.map(({ name }) => name),
      ...(gpus.length > 1 && { tensorSplit: Float32Array.from(shares) }),
    };
    let failure: { error: unknown } | undefined;
    // The addon's own reports may come late: a small file is read before they are delivered.
    onProgress?.({ stage: 'decoder', fraction: 0 });
    const load = callCancellable(this.#binding, signal, (cancel) =>
      this.#binding.loadModel(options, cancel, (fraction) => {
        try {
          onProgress?.({ stage: 'decoder', fraction: fraction * share });
        } catch (error) {
          failure ??= { error };
          cancel.cancel();
        }
      }),
    );
    const model = this.#own(
      await load.catch((error) => {
        throw failure ? failure.error : error;
      }),
    );
    if (failure) throw failure.error;
    return model;
  }

  async #createContext(model: NativeModel, pool: NativeThreadPool): Promise<NativeContext> {
    const { batchSize, kvType } = this.#settings;
    const { contextSize, microBatchSize, flashAttention } = this.#plan;
    const options = {
      nCtx: contextSize,
      nBatch: batchSize,
      nUbatch: microBatchSize,
      nSeqMax: nativeSequences(this.#settings),
      nOutputs: nativeOutputs(this.#settings),
      kvTypeK: kvType.k,
      kvTypeV: kvType.v,
      flashAttention,
      adapterScales: Float32Array.from(this.#settings.lora, ({ scale }) => scale),
    };
    return this.#own(await this.#binding.createContext(model, pool, options));
  }

  async #loadTower(pool: NativeThreadPool): Promise<Tower | null> {
    const config = this.#files.vision;
    if (!config) return null;
    const options = {
      ...config,
      imageMean: Float32Array.from(config.imageMean),
      imageStd: Float32Array.from(config.imageStd),
      kernels: this.#settings.kernels,
      useGpu: this.#plan.visionOnGpu,
      devices: this.#plan.gpus.filter(({ type }) => type !== 'rpc').map(({ name }) => name),
    };
    const encoder = await withModelFiles([config.checked], async ([file]) =>
      this.#own(
        await callCancellable(this.#binding, this.#settings.signal, (cancel) =>
          this.#binding.loadVisionEncoder({ ...options, ...(file && { file }) }, pool, cancel),
        ),
      ),
    );
    return { encoder, config, binding: this.#binding };
  }

  #own<T extends NativeHandle>(handle: T): T {
    this.#handles.push(handle);
    this.#settings.signal?.throwIfAborted();
    return handle;
  }
}

function findEndTokens(
  decoder: DecoderFacts,
  model: NativeModel,
  dialect: Dialect,
): ReadonlySet<number> {
  const ids = dialectRules(dialect).stopTokens.map((text) => model.specialToken(text));
  return new Set([...decoder.eosTokens, ...ids.filter((id) => id >= 0)]);
}
