/** The server's API as the page uses it. Fails with `Unreachable`, `NeedsKey` or `Refused`, or as its signal says. */
import { type ChatNews, chatNews } from './chat-news.js';
import { NeedsKey, refusal, Unreachable } from './errors.js';
import { bodyOf } from './json-body.js';
import { eventData } from './sse.js';
import type { ChatRequestBody } from './to-request.js';

export type { ChatNews } from './chat-news.js';
export { NeedsKey, Refused, Unreachable } from './errors.js';

export interface ServedModel {
  id: string;
  [more: string]: unknown;
}

export class Client {
  /** Sent as a header alone: whoever sets it keeps it. */
  key: string | undefined;
  readonly #base: string;

  /** @param base '' for where the page is from */
  constructor(base: string) {
    this.#base = base === '' || base.endsWith('/') ? base : `${base}/`;
  }

  async models(signal?: AbortSignal): Promise<ServedModel[]> {
    const reply = await this.#ask('v1/models', { signal });
    const { data } = (await json(reply, signal)) as { data?: unknown };
    if (!Array.isArray(data)) throw new Unreachable();
    return data.filter((one) => typeof one?.id === 'string');
  }

  /** False while the server closes, or is not there. */
  async isReady(signal?: AbortSignal): Promise<boolean> {
    try {
      return (await this.#ask('ready', { signal })).ok;
    } catch {
      signal?.throwIfAborted();
      return false;
    }
  }

  /** Positions that a request takes, pictures included, and how many there are. */
  async count(
    request: ChatRequestBody,
    signal?: AbortSignal,
  ): Promise<{ count: number; limit: number }> {
    const reply = await this.#ask('tokenize', { body: request, signal });
    const { count, max_model_len } = (await json(reply, signal)) as Record<string, number>;
    return { count: Number(count), limit: Number(max_model_len) };
  }

  /** A reader that stops makes the server stop. */
  async *chat(body: ChatRequestBody, signal?: AbortSignal): AsyncGenerator<ChatNews> {
    const reply = await this.#ask('v1/chat/completions', { body, signal });
    if (!reply.body) throw new Unreachable();
    try {
      yield* chatNews(eventData(reply.body));
    } catch (error) {
      throw own(error, signal);
    }
  }

  async #ask(
    path: string,
    { body, signal }: { body?: object; signal?: AbortSignal | undefined },
  ): Promise<Response> {
    const headers = new Headers();
    if (this.key) headers.set('authorization', `Bearer ${this.key}`);
    if (body) headers.set('content-type', 'application/json');
    let reply: Response;
    try {
      reply = await fetch(this.#base + path, {
        ...(body && { method: 'POST', body: bodyOf(body) }),
        ...{ headers, signal: signal ?? null, cache: 'no-store' },
      });
    } catch (error) {
      throw own(error, signal);
    }
    if (reply.ok) return reply;
    if (reply.status === 401) throw new NeedsKey();
    const retryAfter = Number.parseFloat(reply.headers.get('retry-after') ?? '');
    throw refusal(await reply.json().catch(() => undefined), {
      status: reply.status,
      ...(Number.isFinite(retryAfter) && { retryAfter }),
    });
  }
}

async function json(reply: Response, signal: AbortSignal | undefined): Promise<unknown> {
  try {
    return (await reply.json()) ?? {};
  } catch (error) {
    throw own(error, signal);
  }
}

/** The network's failures are all one to the page. */
function own(error: unknown, signal: AbortSignal | undefined): unknown {
  signal?.throwIfAborted();
  const isNetwork = error instanceof TypeError || error instanceof SyntaxError;
  return isNetwork ? new Unreachable({ cause: error }) : error;
}
