/** Which LoRA adapters a caller wants applied, and how much of them. */

import { invalidArgument } from '../errors.js';
import { checkNumber, checkOptions, checkPath } from '../option-checks.js';

export interface LoraAdapter {
  /** A GGUF file, as `convertLora` makes it. */
  path: string;
  /** What its change is multiplied by, -1000 to 1000; 0 is without it. Default 1. */
  scale?: number;
}

export type LoraSettings = Required<LoraAdapter>[];

const RANGE = { min: -1000, max: 1000, fallback: 1 };

/** @param option a path, an adapter, or a list of these. @throws ERR_INVALID_ARGUMENT */
export function resolveLora(option: unknown): LoraSettings {
  if (option === undefined) return [];
  const adapters: unknown[] = Array.isArray(option) ? option : [option];
  return adapters.map((adapter) => {
    if (typeof adapter === 'string') return { path: checkPath('lora', adapter), scale: 1 };
    if (typeof adapter !== 'object' || adapter === null)
      throw invalidArgument('lora', 'paths of GGUF files or { path, scale }', adapter);
    const { path, scale } = checkOptions<LoraAdapter>('lora', adapter, ['path', 'scale']);
    return { path: checkPath('lora', path), scale: checkNumber('lora.scale', scale, RANGE) };
  });
}
