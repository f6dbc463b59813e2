/**
 * The models that a server answers with, by name. One that is given as a function is loaded when it is first asked for, and
 * where no more may be in memory the one that was used least recently makes room, but none that is at work.
 */
import { invalidArgument } from '../errors.js';
import type { LlavaOneVision } from '../llava-onevision.js';
import { isRecord } from '../option-checks.js';
import { ApiError } from './api-error.js';

export type ModelLoader = () => Promise<LlavaOneVision>;

/** One model, or several by name. */
export type ModelSource = LlavaOneVision | Readonly<Record<string, LlavaOneVision | ModelLoader>>;

/** A model for the time of one request. */
export interface Lease {
  name: string;
  model: LlavaOneVision;
}

interface Place {
  name: string;
  /** Undefined for the caller's own, which is never unloaded. */
  load: ModelLoader | undefined;
  model: LlavaOneVision | undefined;
  loading: Promise<LlavaOneVision> | undefined;
  nUsers: number;
}

export interface ModelLimits {
  /** Of a single model. */
  modelName: string;
  maxModels: number;
}

export class ServedModels {
  readonly names: readonly string[];
  readonly #maxModels: number;
  /** Least recently used first. */
  readonly #places: Map<string, Place>;

  /** @throws ERR_INVALID_ARGUMENT */
  constructor(source: ModelSource, { modelName, maxModels }: ModelLimits) {
    this.#places = new Map(placesOf(source, modelName).map((place) => [place.name, place]));
    this.names = [...this.#places.keys()];
    this.#maxModels = maxModels;
  }

  /** Those that are in memory. */
  *loaded(): Generator<Lease> {
    for (const { name, model } of this.#places.values()) if (model) yield { name, model };
  }

  /** Does `work` with a model. @param name undefined for the only one @throws 404, 503, what loading does */
  async use<T>(name: string | undefined, work: (lease: Lease) => Promise<T>): Promise<T> {
    const found = name ?? (this.names.length === 1 ? this.names[0] : undefined);
    const place = found === undefined ? undefined : this.#places.get(found);
    if (!place) throw this.#unknown(name);
    this.#places.delete(place.name);
    this.#places.set(place.name, place);
    place.nUsers++;
    try {
      return await work({ name: place.name, model: place.model ?? (await this.#load(place)) });
    } finally {
      place.nUsers--;
    }
  }

  /** Disposes of what was loaded here. */
  async close(): Promise<void> {
    for (const place of this.#places.values()) {
      await place.loading?.catch(() => {});
      await unload(place);
    }
  }

  #load(place: Place): Promise<LlavaOneVision> {
    place.loading ??= this.#makeRoom()
      .then(place.load)
      .then((model) => {
        place.model = model;
        return model;
      })
      .finally(() => {
        place.loading = undefined;
      });
    return place.loading;
  }

  async #makeRoom(): Promise<void> {
    const others = [...this.#places.values()];
    const taken = others.filter(({ model, loading }) => model || loading).length;
    if (taken < this.#maxModels) return;
    const idle = others.find(({ load, model, nUsers }) => load && model && nUsers === 0);
    if (idle) return unload(idle);
    const message = 'As many models as fit are at work; try again later.';
    const headers = { 'retry-after': '5' };
    throw new ApiError(503, message, { code: 'models_busy', headers });
  }

  #unknown(name: string | undefined): ApiError {
    const known = this.names.map((one) => `"${one}"`).join(', ');
    const what = name === undefined ? 'No model is named' : 'There is no such model here';
    return new ApiError(404, `${what}; this server has ${known}.`, {
      ...{ param: 'model', code: 'model_not_found' },
    });
  }
}

async function unload(place: Place): Promise<void> {
  const { model, load } = place;
  if (!load || !model) return;
  place.model = undefined;
  await model.dispose();
}

function placesOf(source: unknown, modelName: string): Place[] {
  if (!isRecord(source)) throw invalidArgument('model', 'a model, or several by name', source);
  const single = typeof source.chat === 'function' && 'info' in source;
  const entries = single ? [[modelName, source] as const] : Object.entries(source);
  if (entries.length === 0) throw invalidArgument('model', 'at least one model', 'none');
  return entries.map(([name, given]): Place => {
    const rest = { name, loading: undefined, nUsers: 0 };
    if (typeof given === 'function')
      return { ...rest, load: given as ModelLoader, model: undefined };
    return { ...rest, load: undefined, model: given as LlavaOneVision };
  });
}
