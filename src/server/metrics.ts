/** What Prometheus, and routers that choose among replicas, read of a server. Labels are models, routes and statuses: few, and ours. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ChatResult } from '../chat/chat-stream.js';
import type { Admission } from './admission.js';
import type { ServedModels } from './served-models.js';

const NAME = 'llava_onevision_';
const TOKEN_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const CHAT_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<'route' | 'status'>;
  readonly #tokens: Counter<'model' | 'kind'>;
  readonly #firstToken: Histogram<'model'>;
  readonly #betweenTokens: Histogram<'model'>;
  readonly #chat: Histogram<'model'>;

  constructor(admission: Admission, models: ServedModels) {
    const registers = [this.registry];
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram({ name: `${NAME}${name}`, help, buckets, labelNames: ['model'], registers });
    const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
      new Counter({ name: `${NAME}${name}`, help, labelNames, registers });
    this.#requests = counter('requests_total', 'Requests answered', ['route', 'status']);
    this.#tokens = counter('tokens_total', 'Positions of prompts and answers', ['model', 'kind']);
    this.#firstToken = histogram(
      ...([
        'time_to_first_token_seconds',
        'From the request to its first token',
        CHAT_SECONDS,
      ] as const),
    );
    this.#betweenTokens = histogram(
      ...([
        'time_between_tokens_seconds',
        'Between two tokens of an answer',
        TOKEN_SECONDS,
      ] as const),
    );
    this.#chat = histogram('chat_seconds', 'From the request to its last token', CHAT_SECONDS);
    addTiles(registers, models);
    addGauges(registers, admission, models);
  }

  answered(route: string, status: number): void {
    this.#requests.inc({ route, status: String(status) });
  }

  /** For the tokens of one request. @param startedAt of performance.now() */
  clock(model: string, startedAt: number): ChatClock {
    const last: number[] = [];
    return {
      onChunk: (index) => {
        const now = performance.now();
        const before = last[index];
        const seconds = (now - (before ?? startedAt)) / 1000;
        (before === undefined ? this.#firstToken : this.#betweenTokens).observe({ model }, seconds);
        last[index] = now;
      },
      onEnd: (results) => {
        this.#chat.observe({ model }, (performance.now() - startedAt) / 1000);
        const count = (kind: string, n: number) => this.#tokens.inc({ model, kind }, n);
        const { promptTokens, visualTokens, cachedTokens } = results[0]!.usage;
        count('prompt', promptTokens);
        count('visual', visualTokens);
        count('cached', cachedTokens);
        for (const { usage } of results) count('answer', usage.completionTokens);
      },
    };
  }
}

export interface ChatClock {
  onChunk(index: number): void;
  onEnd(results: readonly ChatResult[]): void;
}

/** By model, as one that is loaded again begins anew. */
function addTiles(registers: Registry[], models: ServedModels): void {
  new Counter({
    ...{ name: `${NAME}tiles_encoded_total`, help: 'Tiles of pictures and frames encoded' },
    labelNames: ['model'],
    registers,
    collect() {
      this.reset();
      for (const { name, model } of models.loaded())
        this.inc({ model: name }, model.stats().tilesEncoded);
    },
  });
}

function addGauges(registers: Registry[], admission: Admission, models: ServedModels): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      ...{ name: `${NAME}${name}`, help, registers },
      collect() {
        this.set(read());
      },
    });
  gauge('requests_queued', 'Chats that wait for a slot', () => admission.queued);
  gauge('requests_running', 'Chats that have a slot', () => admission.running);
  gauge('request_bytes', 'Bytes of requests in the house', () => admission.bytes);
  const sum = (part: (stats: ReturnType<typeof statsOf>[number]) => number) =>
    statsOf(models).reduce((total, stats) => total + part(stats), 0);
  gauge('kv_cache_usage_ratio', 'Share of the context that chats hold', () =>
    Math.max(0, ...statsOf(models).map(({ kvCellsUsed, kvCells }) => kvCellsUsed / kvCells)),
  );
  gauge('tiles_queued', 'Tiles that wait to be encoded', () => sum((one) => one.tilesQueued));
  gauge('visual_cache_bytes', 'Visual rows kept', () => sum((one) => one.visualCacheBytes));
  gauge('prefix_cache_bytes', 'Beginnings of prompts kept in plain memory', () =>
    sum((one) => one.prefixCacheBytes),
  );
  gauge('models_loaded', 'Models in memory', () => statsOf(models).length);
}

function statsOf(models: ServedModels) {
  return [...models.loaded()].map(({ model }) => model.stats());
}
