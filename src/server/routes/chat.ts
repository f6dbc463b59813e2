/** POST /v1/chat/completions and /v1/completions, streamed or not. */
import type { FastifyInstance } from 'fastify';
import { answer, limitsOf } from '../answering.js';
import { completionChunks, wholeCompletion } from '../chat-completion.js';
import { readChatRequest } from '../chat-request.js';
import type { ServerContext } from '../context.js';
import { readTextRequest, textChunks, wholeText } from '../text-completion.js';

export function chatRoutes(app: FastifyInstance, context: ServerContext): void {
  const limits = limitsOf(context);
  const chat = { whole: wholeCompletion, stream: completionChunks };
  const text = { whole: wholeText, stream: textChunks };
  app.post('/v1/chat/completions', async (asked, reply) =>
    answer(context, asked, { reply, request: readChatRequest(asked.body, limits), form: chat }),
  );
  app.post('/v1/completions', async (asked, reply) =>
    answer(context, asked, { reply, request: readTextRequest(asked.body, limits), form: text }),
  );
}
