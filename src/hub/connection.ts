/**
 * Requests to the hub and to the storage it redirects to, on node:http: fetch of newer Nodes speaks HTTP/2 with windows
 * that throttle large files, and hides the headers of redirects, which is where the hub tells a file's hash.
 * The token goes to the hub's own origin and nowhere else.
 */
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { packageVersion } from '../addon/package-root.js';
import { type Asked, answerError, networkError, nonsenseError } from './hub-error.js';
import type { RepoRevision } from './repo-id.js';
import { withRetries } from './retry.js';
import type { HubSettings } from './settings.js';

export interface HubResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** The hub's own headers, when storage elsewhere answered in the end. */
  hubHeaders: IncomingHttpHeaders;
  /** To be read to its end or destroyed. */
  body: IncomingMessage;
}

export interface HubRequest {
  headers?: Record<string, string>;
  /** Path of the file in the repository, for messages. */
  file?: string;
  signal?: AbortSignal;
}

const MAX_REDIRECTS = 8;
const API_ATTEMPTS = 3;

export class HubConnection {
  readonly settings: HubSettings;
  readonly repo: RepoRevision;
  readonly #origin: string;
  readonly #userAgent = `llava-onevision/${packageVersion()}; node/${process.versions.node}`;

  constructor(settings: HubSettings, repo: RepoRevision) {
    this.settings = settings;
    this.repo = repo;
    this.#origin = new URL(settings.endpoint).origin;
  }

  /** One GET, through redirects. 416 is an answer; other failures are thrown. @throws ERR_HUB_*, signal.reason */
  async get(address: string, request: HubRequest = {}): Promise<HubResponse> {
    const asked = this.asked(request.file);
    let url = new URL(address);
    let hubHeaders: IncomingHttpHeaders = {};
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const body = await this.#send(url, request).catch((cause) => {
        request.signal?.throwIfAborted();
        throw networkError(cause, asked);
      });
      const { statusCode: status = 0, headers } = body;
      if (url.origin === this.#origin) hubHeaders = headers;
      if (status === 200 || status === 206 || status === 416)
        return { status, headers, hubHeaders, body };
      body.resume();
      const isRedirect = [301, 302, 303, 307, 308].includes(status) && headers.location;
      if (!isRedirect) throw answerError({ status, headers, url }, asked);
      url = redirected(url, headers.location!, asked);
    }
    throw nonsenseError(`it redirected ${MAX_REDIRECTS} times`, asked);
  }

  /** A small answer, read whole; tried again where that may help. @throws ERR_HUB_*, signal.reason */
  async read(address: string, request: HubRequest = {}): Promise<HubResponse & { bytes: Buffer }> {
    const { signal } = request;
    return withRetries(
      async () => {
        const response = await this.get(address, request);
        const bytes = await buffer(response.body).catch((cause) => {
          signal?.throwIfAborted();
          throw networkError(cause, this.asked(request.file));
        });
        return { ...response, bytes };
      },
      { attempts: this.settings.attempts ?? API_ATTEMPTS, ...(signal && { signal }) },
    );
  }

  asked(file?: string): Asked {
    const { endpoint, token } = this.settings;
    const hasToken = token !== undefined;
    return { ...this.repo, endpoint, hasToken, ...(file !== undefined && { file }) };
  }

  #send(url: URL, { headers, signal }: HubRequest): Promise<IncomingMessage> {
    const { token, timeoutMs } = this.settings;
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const options = {
        headers: {
          'user-agent': this.#userAgent,
          // Ranges and hashes are of the bytes as stored.
          'accept-encoding': 'identity',
          ...headers,
          ...(token !== undefined &&
            url.origin === this.#origin && { authorization: `Bearer ${token}` }),
        },
        ...(signal && { signal }),
      };
      let response: IncomingMessage | undefined;
      const request = send(url, options, (answer) => {
        response = answer;
        resolve(answer);
      });
      request.setTimeout(timeoutMs, () =>
        (response ?? request).destroy(new Error(`nothing came for ${timeoutMs / 1000} s`)),
      );
      request.on('error', reject);
      request.end();
    });
  }
}

function redirected(from: URL, location: string, asked: Asked): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const isDowngrade = from.protocol === 'https:' && url?.protocol === 'http:';
  if (!url || !/^https?:$/.test(url.protocol) || isDowngrade)
    throw nonsenseError(
      `it redirected ${from.protocol}//${from.host} to '${location.slice(0, 80)}'`,
      asked,
    );
  return url;
}
