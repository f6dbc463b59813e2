/**
 * The OpenAI-compatible server as a fastify instance, to `listen` or `inject`. Here is what holds for every request: who may ask,
 * how much is taken on, how failures look, and how the server ends. What is answered is in routes/.
 */
import { randomBytes } from 'node:crypto';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { Admission } from './admission.js';
import { ApiError, apiError } from './api-error.js';
import { AtMost } from './at-most.js';
import { answerBrokenRequest } from './broken-request.js';
import type { ServerContext } from './context.js';
import { drain } from './drain.js';
import { allowOrigin, checkHost, isOwnMachine, ownerOf, preflight } from './guards.js';
import { promisedBytes, readJsonBody, tooLarge } from './json-body.js';
import { logFailure } from './log-failure.js';
import { Metrics } from './metrics.js';
import { OneATurn } from './one-a-turn.js';
import { chatRoutes } from './routes/chat.js';
import { healthRoutes, modelRoutes } from './routes/models.js';
import { pageRoutes } from './routes/page.js';
import { responseRoutes } from './routes/responses.js';
import { tokenizeRoutes } from './routes/tokenize.js';
import { type ModelSource, ServedModels } from './served-models.js';
import { resolveServerOptions, type ServerOptions, type ServerSettings } from './server-options.js';
import { Work } from './work.js';

/** Clips that are looked at, each by a process, at one time. */
const CLIPS = 4;
/** Media that are fetched from elsewhere at one time. */
const FETCHES = 16;
const WORTH_CLOSING = 2 ** 20;
const MAX_HEADER_BYTES = 16 * 1024;
const KEEP_ALIVE_MS = 72_000;

/** The server of a loaded model, which stays the caller's: closing the server does not dispose of it. Of models that are given as
 *  functions the server disposes itself.
 *  @throws ERR_INVALID_ARGUMENT */
export function createServer(model: ModelSource, options: ServerOptions = {}): FastifyInstance {
  const settings = resolveServerOptions(options);
  const app = Fastify(fastifyOptions(settings));
  const models = new ServedModels(model, settings);
  const admission = new Admission({
    ...settings,
    maxBytes: settings.maxTotalBytes,
    isShared: () => settings.apiKeys !== undefined && settings.apiKeys.count > 1,
  });
  const metrics = new Metrics(admission, models);
  const context = {
    settings,
    models,
    admission,
    metrics,
    clips: new AtMost(CLIPS),
    fetches: new AtMost(FETCHES),
    schemas: new OneATurn(),
  };
  app.decorateRequest('work');
  app.server.headersTimeout = settings.headersTimeoutMs;
  const working = new Set<Work>();
  let isClosing = false;
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS).header('x-request-id', request.id);
    try {
      enter(request, reply, { context, working, isClosing });
    } catch (error) {
      // The rest of a refused body would be read for nothing.
      if (promisedBytes(request) > WORTH_CLOSING) reply.header('connection', 'close');
      throw error;
    }
  });
  app.addHook('preClose', async () => {
    isClosing = true;
    await drain(working, settings.drainMs);
  });
  app.addHook('onClose', () => models.close());
  addBodies(app, settings);
  addErrors(app);
  addLog(app, metrics);
  healthRoutes(app, () => !isClosing);
  modelRoutes(app, context);
  chatRoutes(app, context);
  responseRoutes(app, context);
  tokenizeRoutes(app, context);
  if (settings.page) pageRoutes(app);
  return app;
}

/** Answers are data: nobody shall take them for a page. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

function fastifyOptions(settings: ServerSettings) {
  return {
    logger: settings.logger,
    // Its lines hold URLs as they were asked for.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: settings.requestTimeoutMs,
    connectionTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      connectionsCheckingInterval: Math.min(5000, settings.headersTimeoutMs),
    },
    return503OnClosing: false,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 500 },
    requestIdHeader: false as const,
    genReqId: ({ headers }: { headers: Record<string, unknown> }) => {
      const given = headers['x-request-id'];
      const isFit = typeof given === 'string' && /^[\w.-]{1,64}$/.test(given);
      return isFit ? given : `req_${randomBytes(12).toString('hex')}`;
    },
    frameworkErrors: (error: Error, _: FastifyRequest, reply: FastifyReply) => fail(reply, error),
    clientErrorHandler: answerBrokenRequest,
  };
}

interface Door {
  context: ServerContext;
  working: Set<Work>;
  isClosing: boolean;
}

/** Everything that can be said before the body is read. @throws 4xx, 503 */
function enter(request: FastifyRequest, reply: FastifyReply, door: Door): void {
  const { settings, admission } = door.context;
  const { isPublic = false } = request.routeOptions.config;
  const bytes = promisedBytes(request);
  checkHost(request, settings.allowedHosts);
  const isAllowed = allowOrigin(request, reply, settings.allowedOrigins);
  if (request.method === 'OPTIONS' && isAllowed) return void preflight(reply);
  if (door.isClosing && !isPublic) {
    const headers = { connection: 'close', 'retry-after': '5' };
    throw new ApiError(503, 'The server is closing.', { code: 'closing', headers });
  }
  const owner = isPublic ? undefined : whoAsks(request, settings);
  const work = new Work(owner);
  request.work = work;
  if (bytes > settings.maxBodyBytes) throw tooLarge();
  const visit = request.method === 'POST' ? admission.arrive(bytes, owner) : undefined;
  door.working.add(work);
  work.begin(reply, visit, () => door.working.delete(work));
}

/** @returns undefined where nobody needs a key @throws 401, 403 */
function whoAsks(request: FastifyRequest, settings: ServerSettings): string | undefined {
  if (settings.apiKeys) return ownerOf(request, settings.apiKeys);
  if (settings.noAuth || isOwnMachine(request)) return undefined;
  const message = 'Without keys this server answers programs of its own machine only.';
  throw new ApiError(403, message, { code: 'no_keys' });
}

function addBodies(app: FastifyInstance, { maxBodyBytes: maxBytes }: ServerSettings): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: unknown) =>
    readJsonBody(payload as AsyncIterable<Buffer>, {
      maxBytes,
      promised: promisedBytes(request),
      addBytes: (bytes) => request.work.visit.addBytes(bytes),
    }),
  );
}

function addErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const shown = apiError(error, (error as { param?: string }).param);
    logFailure(request, error);
    return fail(reply, shown);
  });
  app.setNotFoundHandler(async () => {
    throw new ApiError(404, 'There is nothing at this path and method.', { code: 'not_found' });
  });
}

/** A line for each request: no text of it, no query, no picture. */
function addLog(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request;
    const ms = Math.round(reply.elapsedTime);
    metrics.answered(routeOptions.url ?? 'none', reply.statusCode);
    request.log.info({ method, route: routeOptions.url, status: reply.statusCode, ms }, 'request');
  });
}

function fail(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, headers, body } = apiError(error);
  return reply.code(status).headers(headers).send(body);
}
