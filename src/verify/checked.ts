/** What `verify` is asked, and what each of its checks works with. */
import type { Dialect } from '../dialect.js';
import type { DecoderFile } from '../gguf/decoder-file.js';
import type { LoadOptions } from '../load/load-options.js';
import type { VisionConfig } from '../vision/vision-config.js';
import type { KnownAnswers } from './known-answers.js';

type LoadOption =
  | 'threads'
  | 'backend'
  | 'gpuLayers'
  | 'devices'
  | 'tensorSplit'
  | 'mainDevice'
  | 'log';

export interface VerifyOptions extends Pick<LoadOptions, LoadOption> {
  /** The decoder. */
  model: string;
  /** Without it only the decoder is checked. */
  mmproj?: string;
  /** Name of a built-in table, or a JSON file. Default: the one that the decoder's metadata names. */
  table?: string;
  /** Path of the table's picture. Without it nothing is encoded. */
  image?: string;
  signal?: AbortSignal;
  /** @param fraction 0-1 of the stage. Must not throw. */
  onProgress?: (stage: 'load' | 'logits' | 'picture', fraction: number) => void;
}

/** What a check works with. */
export interface Checked {
  table: KnownAnswers;
  dialect: Dialect;
  decoder: DecoderFile;
  vision: VisionConfig | null;
  /** ggml's names of the coarsest types in the files. */
  types: { model: string; mmproj: string };
  isOnGpu: boolean;
  options: VerifyOptions;
}
