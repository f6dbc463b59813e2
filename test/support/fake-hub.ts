/**
 * A server that speaks the part of the Hugging Face hub's API that a download needs, as the hub answers it: model
 * information, file listing in pages, small files through a redirect on the same host, large ones through a redirect to a
 * second server ("CDN") that refuses the hub's token, ranges, ETags, error headers. It fails when told to.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { entry, etagOf, type Files, isLarge, sha } from './hub-files.js';

export interface SeenRequest {
  host: 'hub' | 'cdn';
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingMessage['headers'];
  status: number;
  /** Of the body, sent. */
  sent: number;
}

/** What goes wrong with the requests that match. */
export interface Fault {
  host?: 'hub' | 'cdn';
  url?: RegExp;
  /** How many of them pass before. */
  after?: number;
  /** How often; for ever by default. */
  times?: number;
  /** Answer with this and an empty body. */
  status?: number;
  /** Put into the answer, whatever it is. */
  headers?: Record<string, string>;
  /** Send only so many bytes of the body, then break the connection. */
  cutAfter?: number;
  /** Send only so many bytes of the body, then nothing more. */
  stallAfter?: number;
  /** Turn over the bits of this byte of the file. */
  corruptAt?: number;
  /** Answer a range with the whole file. */
  ignoreRange?: boolean;
  /** Another body instead. */
  body?: string;
}

interface Repo {
  refs: Record<string, string>;
  commits: Record<string, Map<string, Buffer>>;
  /** Without this token the repository does not show. */
  token?: string;
}

const PAGE_SIZE = 3;

export class FakeHub {
  readonly requests: SeenRequest[] = [];
  faults: Fault[] = [];
  readonly #repos = new Map<string, Repo>();
  readonly #blobs = new Map<string, Buffer>();
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#serve('hub', request, response));
    this.#cdn = createServer((request, response) => this.#serve('cdn', request, response));
  }

  static async start(): Promise<FakeHub> {
    const hub = new FakeHub();
    await once(hub.#hub.listen(0, '127.0.0.1'), 'listening');
    // Another host also by its name.
    await once(hub.#cdn.listen(0, 'localhost'), 'listening');
    return hub;
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  }

  /** As at the start. */
  reset(): void {
    this.faults = [];
    this.requests.length = 0;
    this.#repos.clear();
  }

  get endpoint(): string {
    return `http://127.0.0.1:${port(this.#hub)}`;
  }

  /** Adds a commit. @returns its id */
  commit(
    name: string,
    files: Files,
    { revision = 'main', token }: { revision?: string; token?: string } = {},
  ): string {
    const repo = this.#repos.get(name) ?? { refs: {}, commits: {} };
    this.#repos.set(name, { ...repo, ...(token && { token }) });
    const contents = new Map(
      Object.entries(files).map(([path, data]) => [path, Buffer.from(data)]),
    );
    const id = sha(
      'sha1',
      `${name} ${revision} ${[...contents].map(([path, data]) => path + etagOf(path, data))}`,
    );
    repo.refs[revision] = id;
    repo.commits[id] = contents;
    for (const [path, data] of contents) this.#blobs.set(etagOf(path, data), data);
    return id;
  }

  /** Those for the bytes of a file, on either server. */
  downloads(path: string): SeenRequest[] {
    return this.requests.filter(({ url }) => url.split('?')[0]!.endsWith(`/${path}`));
  }

  #serve(host: 'hub' | 'cdn', request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    const seen = { host, method, url, headers, status: 0, sent: 0 };
    this.requests.push(seen);
    const fault = this.#faultFor(host, url);
    for (const [key, value] of Object.entries(fault?.headers ?? {})) response.setHeader(key, value);
    response.on('close', () => {
      seen.status = response.statusCode;
    });
    if (fault?.status) response.writeHead(fault.status).end(fault.body);
    else if (fault?.body !== undefined) response.end(fault.body);
    else if (host === 'cdn') this.#sendBlob(request, response, { seen, fault });
    else this.#answer(request, response, { seen, fault });
  }

  #faultFor(host: 'hub' | 'cdn', url: string): Fault | undefined {
    const matching = this.faults.filter(
      (one) => (one.host ?? host) === host && (one.url?.test(url) ?? true) && one.times !== 0,
    );
    const fault = matching.find((one) => !one.after);
    for (const one of matching) if (one.after) one.after--;
    if (fault?.times) fault.times--;
    return fault;
  }

  #answer(request: IncomingMessage, response: ServerResponse, context: Context): unknown {
    const url = new URL(request.url ?? '', this.endpoint);
    const path = decodeURIComponent(url.pathname);
    const [, api, name = '', kind, rest = ''] =
      /^(\/api\/models|\/api\/resolve-cache)?\/([^/]+\/[^/]+)\/(revision|tree|resolve|blob)\/(.+)$/.exec(
        path,
      ) ?? [];
    const repo = this.#repos.get(name);
    const isAllowed = !repo?.token || request.headers.authorization === `Bearer ${repo.token}`;
    if (!repo || !isAllowed) {
      const status = request.headers.authorization && !repo ? 404 : 401;
      return refuse(response, status, 'RepoNotFound');
    }
    if (kind === 'blob') {
      response.setHeader('x-repo-commit', url.searchParams.get('commit') ?? '');
      return this.#sendBlob(request, response, context);
    }
    const [revision, file] = kind === 'resolve' ? splitOnce(rest) : [rest.split('?')[0]!, ''];
    const commit = repo.refs[revision] ?? revision;
    const files = repo.commits[commit];
    if (!files) return refuse(response, 404, 'RevisionNotFound');
    if (api && kind === 'revision')
      return json(response, { _id: 'x', id: name, sha: commit, private: false });
    if (api && kind === 'tree') return this.#sendPage(url, response, files);
    const data = files.get(file);
    if (!data) return refuse(response, 404, 'EntryNotFound');
    this.#redirect(response, { name, commit, file, data });
  }

  #sendPage(url: URL, response: ServerResponse, files: Map<string, Buffer>): void {
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const all = [...files].map(([path, data]) => entry(path, data));
    const folders = new Set(
      [...files.keys()].filter((p) => p.includes('/')).map((p) => p.split('/')[0]!),
    );
    const entries = [
      ...[...folders].map((path) => ({ type: 'directory', oid: '', size: 0, path })),
      ...all,
    ];
    if (start + PAGE_SIZE < entries.length) {
      url.searchParams.set('cursor', String(start + PAGE_SIZE));
      response.setHeader('link', `<${url}>; rel="next"`);
    }
    json(response, entries.slice(start, start + PAGE_SIZE));
  }

  #redirect(
    response: ServerResponse,
    { name, commit, file, data }: { name: string; commit: string; file: string; data: Buffer },
  ): unknown {
    const etag = etagOf(file, data);
    response.setHeader('x-repo-commit', commit);
    if (!response.hasHeader('x-linked-etag')) response.setHeader('x-linked-etag', `"${etag}"`);
    response.setHeader('x-linked-size', data.length);
    if (!isLarge(file)) {
      response.setHeader(
        'location',
        `/api/resolve-cache/${name}/blob/${etag}/${encodeURIComponent(file)}?commit=${commit}`,
      );
      return response.writeHead(307).end();
    }
    response.setHeader('x-xet-hash', sha('sha256', `xet ${etag}`));
    response.setHeader(
      'link',
      `<${this.endpoint}/api/xet>; rel="xet-auth", <${this.endpoint}/xet>; rel="xet-reconstruction-info"`,
    );
    response.setHeader(
      'location',
      `http://localhost:${port(this.#cdn)}/blob/${etag}/${encodeURIComponent(file)}?Signature=abc`,
    );
    response.writeHead(302).end();
  }

  #sendBlob(request: IncomingMessage, response: ServerResponse, { seen, fault }: Context): unknown {
    // As S3 does of addresses that are signed.
    if (seen.host === 'cdn' && request.headers.authorization) return response.writeHead(400).end();
    const etag = /\/blob\/([0-9a-f]+)\//.exec(request.url ?? '')?.[1] ?? '';
    const whole = Buffer.from(this.#blobs.get(etag)!);
    if (fault?.corruptAt !== undefined) whole[fault.corruptAt]! ^= 0xff;
    const range = fault?.ignoreRange ? undefined : request.headers.range;
    const [, from = 0, to = whole.length - 1] = /^bytes=(\d+)-(\d+)?$/.exec(range ?? '') ?? [];
    const [start, end] = [Number(from), Math.min(Number(to), whole.length - 1)];
    // Storage has hashes of its own.
    response.setHeader(
      'etag',
      seen.host === 'cdn' ? '"d41d8cd98f00b204e9800998ecf8427e"' : `"${etag}"`,
    );
    response.setHeader('accept-ranges', 'bytes');
    if (range && start >= whole.length) {
      response.setHeader('content-range', `bytes */${whole.length}`);
      return response.writeHead(416).end();
    }
    const body = whole.subarray(start, end + 1);
    if (range) response.setHeader('content-range', `bytes ${start}-${end}/${whole.length}`);
    response.writeHead(range ? 206 : 200, { 'content-length': body.length });
    if (request.method === 'HEAD') return response.end();
    const limit = fault?.cutAfter ?? fault?.stallAfter ?? body.length;
    seen.sent = Math.min(limit, body.length);
    if (limit >= body.length) return response.end(body);
    response.write(body.subarray(0, limit), () => {
      // What was sent arrives, then the connection ends.
      if (fault?.cutAfter !== undefined) response.socket?.end();
    });
  }
}

interface Context {
  seen: SeenRequest;
  fault: Fault | undefined;
}

function port(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('/');
  return [text.slice(0, at), text.slice(at + 1)];
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.setHeader('x-error-code', code);
  response.setHeader('x-error-message', code === 'RepoNotFound' ? 'Repository not found' : code);
  response.writeHead(status).end();
}
