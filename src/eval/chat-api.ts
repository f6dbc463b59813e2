/** Chat completions of any OpenAI-compatible server, asked again when it is busy or out of order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LlavaError } from '../errors.js';
import { parseJson } from '../option-checks.js';
import { type PostReply, post } from './http-post.js';

export interface ChatApiOptions {
  /** With or without /chat/completions: 'http://localhost:8080/v1'. */
  url: string;
  apiKey?: string | undefined;
  /** The server's name of the model. */
  model: string;
  /** Length of the first pause, ms; each further one is twice as long. Default 1000. */
  pauseMs?: number;
}

/** Fields of the request beside `model`, as the API names them. */
export interface ChatApiRequest {
  messages: readonly unknown[];
  temperature: number;
  max_tokens: number;
  response_format?: { type: 'json_object' };
}

export interface ChatApiReply {
  text: string;
  finishReason: string;
  promptTokens: number;
  answerTokens: number;
}

const ATTEMPTS = 6;
const MAX_PAUSE_MS = 30_000;
/** Nothing that another question would change. */
const FATAL = [401, 402, 403, 404, 405];

/** @throws ERR_ENDPOINT, `isFatal` when every request would fail so; signal.reason */
export async function chatCompletion(
  api: ChatApiOptions,
  request: ChatApiRequest,
  signal: AbortSignal,
): Promise<ChatApiReply> {
  for (let attempt = 1; ; attempt++) {
    const failure = await tryOnce(api, request, signal);
    if ('text' in failure) return failure;
    const { error, isTransient, pauseMs } = failure;
    if (!isTransient || attempt === ATTEMPTS) throw error;
    const pause = pauseMs ?? (api.pauseMs ?? 1000) * 2 ** (attempt - 1);
    await sleep(Math.min(pause, MAX_PAUSE_MS), undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

interface Failure {
  error: LlavaError;
  isTransient: boolean;
  /** What the server asks for. */
  pauseMs?: number;
}

async function tryOnce(
  api: ChatApiOptions,
  request: ChatApiRequest,
  signal: AbortSignal,
): Promise<ChatApiReply | Failure> {
  const url = completionsUrl(api.url);
  try {
    const reply = await post(url, {
      headers: {
        'content-type': 'application/json',
        ...(api.apiKey && { authorization: `Bearer ${api.apiKey}` }),
      },
      body: JSON.stringify({ model: api.model, ...request }),
      signal,
    });
    if (reply.status >= 200 && reply.status < 300) return readReply(url, reply.body);
    return refusal(url, reply);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof LlavaError) throw cause;
    const message = `${url} cannot be reached: ${reasonOf(cause)}`;
    const fields = { url, status: 0, isFatal: true };
    return { error: new LlavaError('ERR_ENDPOINT', message, fields, { cause }), isTransient: true };
  }
}

function refusal(url: string, { status, headers, body }: PostReply): Failure {
  const fields = { url, status, isFatal: FATAL.includes(status) };
  const wait = Number(headers['retry-after']);
  return {
    error: new LlavaError('ERR_ENDPOINT', `${url} answered ${status}: ${short(body)}`, fields),
    isTransient: status === 429 || status >= 500 || status === 408,
    ...(wait > 0 && { pauseMs: wait * 1000 }),
  };
}

/** The message is empty where several addresses were tried. */
function reasonOf(cause: unknown): string {
  const { message, code } = cause as NodeJS.ErrnoException;
  return message || (code ?? String(cause));
}

function completionsUrl(url: string): string {
  const base = url.replace(/\/+$/, '');
  return base.endsWith('/chat/completions') ? base : `${base}/chat/completions`;
}

function readReply(url: string, body: string): ChatApiReply {
  const reply = parseJson(body) as Completion | null | undefined;
  const choice = reply?.choices?.[0];
  const text = choice?.message?.content;
  if (typeof text !== 'string') {
    const message = `${url} answered without choices[0].message.content: ${short(body)}`;
    throw new LlavaError('ERR_ENDPOINT', message, { url, status: 200 });
  }
  return {
    text,
    finishReason: choice?.finish_reason ?? 'stop',
    promptTokens: reply?.usage?.prompt_tokens ?? 0,
    answerTokens: reply?.usage?.completion_tokens ?? 0,
  };
}

interface Completion {
  choices?: { message?: { content?: unknown }; finish_reason?: string }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number };
}

function short(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
