/** What a load opens: the two files it was given, or those that a name stands for. */
import { stat } from 'node:fs/promises';
import type { ModelFiles } from './gguf-files.js';
import type { ResolveOptions } from './resolve-model.js';

interface Given {
  model: string;
  /** Null: none. */
  mmproj?: string | null | undefined;
}

type Options = {
  [Name in 'offline' | 'keepCheckpoint' | 'signal' | 'onProgress']?:
    | ResolveOptions[Name]
    | undefined;
};

/** @throws what resolveModel does */
export async function filesToLoad(
  { model, mmproj }: Given,
  { offline, keepCheckpoint, signal, onProgress }: Options,
): Promise<ModelFiles> {
  const info = await stat(model).catch(() => undefined);
  if (mmproj !== undefined && info?.isFile()) return { model, mmproj };
  // Names need the hub and the converter, paths do not.
  const { resolveModel } = await import('./resolve-model.js');
  const found = await resolveModel(model, {
    ...(mmproj && { mmproj }),
    ...(offline !== undefined && { offline }),
    ...(keepCheckpoint !== undefined && { keepCheckpoint }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  return { model: found.model, mmproj: mmproj === null ? null : found.mmproj };
}
