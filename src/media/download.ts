/**
 * A picture or clip from a web server, chunk by chunk: redirects followed, size limited, and every wait ended by the signal or
 * by silence. Neither fetch's own timers nor its decoders are relied on: Node 20's never end on a damaged gzip body.
 */

import { packageVersion } from '../addon/package-root.js';
import { LlavaError } from '../errors.js';
import type { Refuse } from './media-kind.js';
import { type RaceLimits, raced } from './raced.js';

export interface DownloadOptions {
  signal?: AbortSignal | undefined;
  /** How long the server may send nothing, in milliseconds. */
  timeoutMs?: number | undefined;
  maxBytes: number;
}

export const DEFAULT_TIMEOUT_MS = 30_000;
/** fetch has given up by then. */
export const MAX_TIMEOUT_MS = 300_000;
const MAX_REDIRECTS = 10;

const commonHeaders = () => ({
  'user-agent': `llava-onevision/${packageVersion()}`,
  // Pictures and clips are compressed already.
  'accept-encoding': 'identity',
});

/** The URL may hold credentials; they go to its own origin only. @throws what `refuse` makes, signal.reason */
export async function* download(
  url: URL,
  { signal, timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes }: DownloadOptions,
  refuse: Refuse,
): AsyncGenerator<Uint8Array> {
  const connection = new AbortController();
  const tooLong = () => refuse(`the server sent nothing for ${timeoutMs / 1000} s`);
  const limits = { signal, idleMs: timeoutMs, tooLong };
  try {
    const response = await respond(url, { connection: connection.signal, limits, refuse });
    const { status, statusText, headers, body } = response;
    if (!response.ok) throw refuse(`the server answered ${status} ${statusText}`);
    if (Number(headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes, refuse);
    if (body) yield* limited(body.getReader(), { maxBytes, limits, refuse });
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof LlavaError) throw cause;
    const { message, code } = ((cause as Error).cause ?? cause) as NodeJS.ErrnoException;
    throw refuse(`the download failed: ${message || code}`, cause);
  } finally {
    connection.abort();
  }
}

/** Counts what arrives, because the announced length may be absent or wrong. */
async function* limited(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { maxBytes, limits, refuse }: { maxBytes: number; limits: RaceLimits; refuse: Refuse },
): AsyncGenerator<Uint8Array> {
  for (let total = 0; ; ) {
    const { done, value } = await raced(reader.read(), limits);
    if (done) return;
    total += value.length;
    if (total > maxBytes) throw tooLarge(maxBytes, refuse);
    yield value;
  }
}

function tooLarge(maxBytes: number, refuse: Refuse): LlavaError {
  return refuse(`it has more than the ${maxBytes} bytes allowed`);
}

async function respond(
  first: URL,
  { connection, limits, refuse }: { connection: AbortSignal; limits: RaceLimits; refuse: Refuse },
): Promise<Response> {
  let url = first;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const headers = { ...commonHeaders(), ...credentials(url) };
    const request = { headers, redirect: 'manual', signal: connection } as const;
    const response = await raced(fetch(withoutCredentials(url), request), limits);
    const location = response.headers.get('location');
    if (response.status < 301 || response.status > 308 || location === null) return response;
    response.body?.cancel().catch(() => {});
    url = redirected(url, location, refuse);
  }
  throw refuse(`the server redirected more than ${MAX_REDIRECTS} times`);
}

function redirected(from: URL, location: string, refuse: Refuse): URL {
  if (!URL.canParse(location, from.href)) throw refuse('the server redirected to no URL');
  const url = new URL(location, from);
  if (!/^https?:$/.test(url.protocol))
    throw refuse(`the server redirected to a ${url.protocol} URL`);
  if (url.origin === from.origin && url.username === '') {
    url.username = from.username;
    url.password = from.password;
  }
  return url;
}

/** fetch refuses a URL with credentials, and would quote it whole. */
function withoutCredentials(url: URL): URL {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}

function credentials({ username, password }: URL): { authorization?: string } {
  if (username === '' && password === '') return {};
  const pair = `${unescaped(username)}:${unescaped(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a bare percent sign
  }
}
