/** The models that a server answers with, by name. Those that are given as a function are loaded when they are first asked for. */
import { invalidArgument, LlavaError } from '../errors.js';
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

export class ServedModels {
  readonly names: readonly string[];
  readonly #models: ReadonlyMap<string, LlavaOneVision>;

  /** @param options.name of a single one */
  constructor(source: ModelSource, { name }: { name: string }) {
    this.#models = new Map(entriesOf(source, name));
    this.names = [...this.#models.keys()];
  }

  /** Those that are loaded. */
  *loaded(): Generator<Lease> {
    for (const [name, model] of this.#models) yield { name, model };
  }

  /** Does `work` with a model. @param name undefined for the only one @throws 404 */
  async use<T>(name: string | undefined, work: (lease: Lease) => Promise<T>): Promise<T> {
    const found = name ?? (this.names.length === 1 ? this.names[0] : undefined);
    const model = found === undefined ? undefined : this.#models.get(found);
    if (!model) throw this.#unknown(name);
    return work({ name: found!, model });
  }

  #unknown(name: string | undefined): ApiError {
    const known = this.names.map((one) => `"${one}"`).join(', ');
    const what = name === undefined ? 'No model is named' : 'There is no such model here';
    return new ApiError(404, `${what}; this server has ${known}.`, {
      ...{ param: 'model', code: 'model_not_found' },
    });
  }
}

function entriesOf(source: unknown, name: string): [string, LlavaOneVision][] {
  if (!isRecord(source)) throw invalidArgument('model', 'a model, or several by name', source);
  if ('chat' in source) return [[name, source as unknown as LlavaOneVision]];
  const entries = Object.entries(source) as [string, LlavaOneVision][];
  if (entries.length === 0)
    throw new LlavaError('ERR_INVALID_ARGUMENT', 'Expected at least one model');
  return entries;
}
