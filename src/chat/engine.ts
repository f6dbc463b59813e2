/** A loaded model: its files' facts, its native handles and what they share, and how they are given back. */
import type {
  NativeBinding,
  NativeContext,
  NativeHandle,
  NativeModel,
  NativeThreadPool,
} from '../binding.js';
import type { Dialect } from '../dialect.js';
import type { Scheduler } from '../engine/scheduler.js';
import type { Turns } from '../engine/turns.js';
import type { DecoderFacts } from '../gguf/decoder-file.js';
import type { FfmpegPaths } from '../media/ffmpeg-tools.js';
import type { ImageOptions } from '../media/image.js';
import type { MultiImage } from '../vision/image-plan.js';
import type { RowCache } from '../vision/row-cache.js';
import type { Tower } from '../vision/visual-rows.js';

export class Engine {
  declare readonly binding: NativeBinding;
  declare readonly decoder: DecoderFacts;
  /** What tells the files' contents apart, for caches and saved sessions. */
  declare readonly fingerprints: { decoder: string; vision: string | null; lora: string[] };
  /** Format of saved cache contents, equal where they can be loaded; null when the cache keeps nothing. */
  declare readonly kvFormat: string | null;
  declare readonly dialect: Dialect;
  declare readonly images: Pick<ImageOptions, 'maxPixels' | 'autoOrient' | 'timeoutMs'>;
  declare readonly ffmpeg: FfmpegPaths;
  /** Unless a chat says otherwise. */
  declare readonly multiImage: MultiImage;
  /** Likewise. */
  declare readonly lookup: number;
  declare readonly rowCache: RowCache;
  declare readonly pool: NativeThreadPool;
  declare readonly model: NativeModel;
  declare readonly context: NativeContext;
  /** Null for a model without an mmproj: text only. */
  declare readonly tower: Tower | null;
  declare readonly turns: Turns;
  declare readonly scheduler: Scheduler;
  /** Ids that end an answer. */
  declare readonly endTokens: ReadonlySet<number>;
  readonly #handles: readonly NativeHandle[];

  /** @param handles in the order of their making */
  constructor(parts: Omit<Engine, 'dispose'>, handles: readonly NativeHandle[]) {
    Object.assign(this, parts);
    this.#handles = handles;
  }

  /** Frees the model; nothing may run on it any more. */
  async dispose(): Promise<void> {
    await this.rowCache.close();
    // A copy out of the cache may be under way for a chat that is gone.
    await this.scheduler.use(async () => {});
    await disposeAll(this.#handles);
  }
}

/** Children first. @param handles in the order of their making */
export async function disposeAll(handles: readonly NativeHandle[]): Promise<void> {
  for (const handle of handles.toReversed()) await handle.dispose();
}
