/** What `llava-onevision/server` offers: fastify is only loaded by those who serve. */
export { createServer } from './create-server.js';
export { ApiKeys } from './keys.js';
export type { MediaRules } from './media/fetch-media.js';
export type { ModelSource } from './served-models.js';
export type { ServerOptions } from './server-options.js';
