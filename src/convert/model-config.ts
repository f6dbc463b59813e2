/**
 * What a checkpoint's configuration says about its model, in one form for every layout. The functions that fill it
 * know one layout's files each: lmms-config.ts and transformers-config.ts.
 */
import type { JsonFile } from './json-file.js';

export interface ModelConfig {
  /** Qwen2's fields (hidden_size, …). */
  text: JsonFile;
  /** Whether the head is the embedding matrix. */
  isTied: boolean;
  /** SigLIP's fields (num_attention_heads, …), those that are stated. */
  tower: JsonFile;
  /** Blocks of the tower to run; they need not be stored. @throws ERR_CHECKPOINT */
  countBlocks(stored: StoredTower): number;
  /** What image processors read: size, image_mean, image_std. */
  preprocessor: JsonFile;
  /** For pixels scaled to 0-1, where the preprocessor names none. */
  defaultMean: readonly [number, number, number];
  defaultStd: readonly [number, number, number];
  /** @param imageSize pixels of a tile's side. */
  anyres(imageSize: number): Anyres;
  notes: string[];
}

/** How tiles become rows. */
export interface Anyres {
  /** [width, height] each, in the order in which they are tried. */
  pinpoints: [number, number][];
  /** Tiles beyond which rows are shrunk; 0: never. */
  maxTiles: number;
  newlinePosition: string;
  poolMode: string;
}

/** What a configuration alone does not tell. */
export interface StoredFacts {
  hasHead: boolean;
  /** SigLIP's pooling head, which only an untruncated tower has. */
  hasPoolingHead: boolean;
}

export interface StoredTower {
  nBlocks: number;
  nEmbd: number;
}

/** "anyres" is 0, "anyres_max_9" is 9; undefined for any other mode. */
export function parseMaxTiles(mode: unknown): number | undefined {
  const [isAnyres, maxTiles] = /^anyres(?:_max_([1-9]\d{0,5}))?$/.exec(String(mode)) ?? [];
  return isAnyres === undefined ? undefined : Number(maxTiles ?? 0);
}
