/** Which models there are, what they have to do, and whether the server is well. */
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../api-error.js';
import type { ServerContext } from '../context.js';
import { nowSeconds } from '../ids.js';

export function modelRoutes(app: FastifyInstance, { models, metrics }: ServerContext): void {
  const created = nowSeconds();
  const entry = (id: string) => ({ id, object: 'model', created, owned_by: 'llava-onevision' });

  app.get('/v1/models', async () => ({ object: 'list', data: models.names.map(entry) }));

  // A name may hold slashes.
  app.get<{ Params: { '*': string } }>('/v1/models/*', async ({ params }) => {
    if (models.names.includes(params['*'])) return entry(params['*']);
    throw new ApiError(404, 'There is no such model here.', {
      ...{ param: 'model', code: 'model_not_found' },
    });
  });

  app.get('/metrics', async (_, reply) => {
    const { registry } = metrics;
    return reply.type(registry.contentType).send(await registry.metrics());
  });

  app.post('/v1/embeddings', async () => {
    const message =
      'LLaVA-OneVision makes no embeddings of texts, so this server has no /v1/embeddings; ' +
      "the library's model.embed gives the visual rows of pictures.";
    throw new ApiError(404, message, { code: 'unsupported' });
  });
}

/** Without a key, for those who watch the process: they tell nothing but that it lives, and whether it takes requests. */
export function healthRoutes(app: FastifyInstance, isReady: () => boolean): void {
  const open = { config: { isPublic: true }, exposeHeadRoute: true };
  app.get('/health', open, async () => ({ status: 'ok' }));
  app.get('/ready', open, async (_, reply) => {
    if (!isReady()) reply.code(503);
    return { status: isReady() ? 'ready' : 'closing' };
  });
}
