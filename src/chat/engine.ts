/** A loaded model: its files' facts, its native handles and what they share. Made by load-engine.ts. */
import type { NativeBinding, NativeContext, NativeModel, NativeThreadPool } from '../binding.js';
import type { Dialect } from '../dialect.js';
import type { Scheduler } from '../engine/scheduler.js';
import type { DecoderFacts } from '../gguf/decoder-file.js';
import type { FfmpegPaths } from '../media/ffmpeg-tools.js';
import type { ImageOptions } from '../media/image.js';
import type { MultiImage } from '../vision/image-plan.js';
import type { RowCache } from '../vision/row-cache.js';
import type { Lane, Tower } from '../vision/visual-rows.js';

export interface Engine {
  binding: NativeBinding;
  decoder: DecoderFacts;
  /** Of the files' content, for caches and saved sessions. */
  fingerprints: { decoder: string; vision: string | null; lora: string[] };
  /** Of saved cache contents: equal where they can be loaded. Null when the cache keeps nothing. */
  kvFormat: string | null;
  dialect: Dialect;
  images: Pick<ImageOptions, 'maxPixels' | 'autoOrient'>;
  ffmpeg: FfmpegPaths;
  /** Unless a chat says otherwise. */
  multiImage: MultiImage;
  rowCache: RowCache;
  pool: NativeThreadPool;
  model: NativeModel;
  context: NativeContext;
  /** Null for a model without an mmproj: text only. */
  tower: Tower | null;
  lane: Lane;
  scheduler: Scheduler;
  /** Ids that end an answer. */
  endTokens: ReadonlySet<number>;
}
