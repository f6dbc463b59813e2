/** The models of `serve`: names for clients, files, and how each is loaded; the first one at once, so that mistakes show. */
import { basename } from 'node:path';
import { invalidArgument } from '../../errors.js';
import type { LlavaOneVision } from '../../llava-onevision.js';
import type { ModelSource } from '../../server/index.js';
import { interruptible } from '../shared/interrupt.js';
import { loadModel, type ModelFlags } from '../shared/model-flags.js';

export interface ServedFlags extends Omit<ModelFlags, 'mmproj'> {
  models: string[];
  mmproj?: string[];
  alias?: string[];
  slots?: number;
}

export interface OpenedModels {
  source: ModelSource;
  names: string[];
  first: LlavaOneVision;
}

/** @throws ERR_INVALID_ARGUMENT, what loading does */
export async function openModels(flags: ServedFlags): Promise<OpenedModels> {
  const { models, mmproj = [], alias = [], slots, ...rest } = flags;
  checkCount('mmproj', mmproj, models);
  checkCount('alias', alias, models);
  const names = models.map((model, i) => alias[i] ?? basename(model).replace(/\.gguf$/, ''));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw invalidArgument('alias', 'a name of its own for each model', twice);
  const more = slots === undefined ? {} : { maxSequences: slots };
  const load = (i: number) =>
    interruptible((signal) =>
      loadModel(
        { ...rest, model: models[i]!, ...(mmproj[i] && { mmproj: mmproj[i] }) },
        { signal, more },
      ),
    );
  const first = await load(0);
  if (names.length === 1) return { source: { [names[0]!]: first }, names, first };
  let isFirst = true;
  const loaders = names.map((name, i) => {
    const loader = async () => {
      if (i > 0 || !isFirst) return load(i);
      isFirst = false;
      return first;
    };
    return [name, loader] as const;
  });
  return { source: Object.fromEntries(loaders), names, first };
}

function checkCount(flag: string, values: readonly string[], models: readonly string[]): void {
  if (values.length === 0 || values.length === models.length) return;
  throw invalidArgument(
    flag,
    `none, or one for each of ${models.length} models`,
    `${values.length}`,
  );
}
