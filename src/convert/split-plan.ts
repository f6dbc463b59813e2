/**
 * Cuts a plan into files of a size, as gguf-split does: all metadata in the first, whole tensors in all; and what tells the files
 * of two conversions apart in all.
 * @see tools/gguf-split/gguf-split.cpp `split_strategy` (llama.cpp v0.5.0)
 */
import { invalidArgument } from '../errors.js';
import { SHARED_KEYS } from '../gguf/split-files.js';
import { type GgufEntry, type GgufPlan, type PlannedTensor, tensorBytes } from './gguf-plan.js';

const ALIGNMENT = 32;
const MAX_FILES = 65535;

/** @param maxBytes of tensors in one file; a larger tensor has a file of its own. @returns one plan where all fits. */
export function splitPlan(plan: GgufPlan, maxBytes: number): GgufPlan[] {
  const parts: PlannedTensor[][] = [[]];
  let bytes = 0;
  for (const tensor of plan.tensors) {
    const needed = Math.ceil(tensorBytes(tensor) / ALIGNMENT) * ALIGNMENT;
    if (bytes > 0 && bytes + needed > maxBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(tensor);
    bytes += needed;
  }
  if (parts.length > MAX_FILES)
    throw invalidArgument(
      'splitMaxSize',
      `a size that needs fewer than ${MAX_FILES} files`,
      maxBytes,
    );
  if (parts.length === 1) return [plan];
  return parts.map((tensors, index) => ({
    ...(index === 0 ? plan : { notes: [] }),
    entries: [
      ...plan.entries.filter(({ key }) => index === 0 || SHARED_KEYS.includes(key)),
      { key: 'split.no', type: 'u16', value: index },
      { key: 'split.count', type: 'u16', value: parts.length },
      { key: 'split.tensors.count', type: 'i32', value: plan.tensors.length },
    ] as GgufEntry[],
    tensors,
  }));
}

/** "2G", "500M", "64K" as llama.cpp writes sizes (powers of ten), or bytes. @returns undefined for anything else */
export function parseSize(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,12})([KMG]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * 1000 ** ' KMG'.indexOf(unit.toUpperCase() || ' ');
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}
