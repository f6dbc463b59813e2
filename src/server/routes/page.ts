/**
 * The chat page: the files that `npm run build:page` made, read once and served from memory to whoever may reach the server. The
 * page itself needs no key; what it asks of the API does. Its policy lets it speak to this server alone, whatever an answer says.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PACKAGE_ROOT } from '../../addon/package-root.js';
import { ApiError } from '../api-error.js';

const FOLDER = join(PACKAGE_ROOT, 'dist/src/server/page');

/** The service worker that opens the page while the server is away. */
const WORKER = 'worker.js';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.md': 'text/plain; charset=utf-8',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};
/** What is compressed already would only grow. */
const COMPRESSED = new Set(['.png', '.woff2']);

const HEADERS = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; object-src 'none'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // A link in an answer would tell a name server of itself.
  'x-dns-prefetch-control': 'off',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), microphone=(), geolocation=(), display-capture=()',
};

interface PageFile {
  bytes: Buffer;
  etag: string;
  type: string;
  cacheControl: string;
  /** By the name of the encoding; made when first asked for. */
  encoded: Map<string, Promise<Buffer>>;
  isCompressed: boolean;
}

const ENCODERS = { br: promisify(brotliCompress), gzip: promisify(gzip) } as const;

/** @param folder of the built page */
export function pageRoutes(app: FastifyInstance, folder = FOLDER): void {
  const files = readPage(folder);
  const open = { config: { isPublic: true }, exposeHeadRoute: true };
  app.get('/', open, (request, reply) => send(request, reply, files.get('index.html')));
  app.get(`/${WORKER}`, open, (request, reply) => send(request, reply, files.get(WORKER)));
  app.get<{ Params: { name: string } }>('/assets/:name', open, (request, reply) =>
    send(request, reply, files.get(`assets/${request.params.name}`)),
  );
}

/** Whether there is one to serve. */
export function isPageBuilt(folder = FOLDER): boolean {
  return existsSync(join(folder, 'index.html'));
}

/** By path; empty where it was never built. */
function readPage(folder: string): Map<string, PageFile> {
  const names = [
    'index.html',
    WORKER,
    ...namesIn(join(folder, 'assets')).map((name) => `assets/${name}`),
  ];
  return new Map(
    names.flatMap((name) => {
      const bytes = bytesOf(join(folder, name));
      return bytes ? [[name, fileOf(name, bytes)]] : [];
    }),
  );
}

function fileOf(name: string, bytes: Buffer): PageFile {
  const kind = extname(name);
  return {
    bytes,
    // Weak: the same of every encoding, and of what a proxy makes of them.
    etag: `W/"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    type: TYPES[kind] ?? 'application/octet-stream',
    // The names of assets change with what is in them.
    cacheControl: name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    encoded: new Map(),
    isCompressed: COMPRESSED.has(kind),
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** @throws 404 */
async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  file: PageFile | undefined,
): Promise<FastifyReply> {
  if (!file) throw notThere(request);
  const { etag, type, cacheControl } = file;
  reply.headers({
    ...HEADERS,
    etag,
    vary: 'accept-encoding, origin',
    'cache-control': cacheControl,
  });
  if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send();
  const encoding = file.isCompressed ? undefined : encodingFor(request);
  reply.type(type);
  if (!encoding) return reply.send(file.bytes);
  let bytes = file.encoded.get(encoding);
  if (!bytes) {
    bytes = ENCODERS[encoding](file.bytes);
    file.encoded.set(encoding, bytes);
    bytes.catch(() => file.encoded.delete(encoding));
  }
  return reply.header('content-encoding', encoding).send(await bytes);
}

function encodingFor({ headers }: FastifyRequest): keyof typeof ENCODERS | undefined {
  const accepted = String(headers['accept-encoding'] ?? '').split(/\s*,\s*/);
  return (['br', 'gzip'] as const).find((name) => accepted.includes(name));
}

function notThere({ routeOptions }: FastifyRequest): ApiError {
  if (routeOptions.url !== '/')
    return new ApiError(404, 'The page has no such file.', { code: 'not_found' });
  const message = 'The chat page was not built with this package: npm run build:page makes it.';
  return new ApiError(404, message, { code: 'page_not_built' });
}
