/** POST /v1/chat/completions, streamed or not. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { completionChunks, wholeCompletion } from '../chat-completion.js';
import { readChatRequest } from '../chat-request.js';
import { runChats } from '../chat-run.js';
import type { ServerContext } from '../context.js';
import { prepareChat } from '../prepare.js';
import { sendEvents } from '../sse.js';

export function chatRoutes(app: FastifyInstance, context: ServerContext): void {
  const { settings, models } = context;
  const limits = { maxChoices: settings.maxChoices, maxFrames: settings.media.maxFrames };
  app.post(
    '/v1/chat/completions',
    async ({ body, work }, reply): Promise<FastifyReply | object> => {
      const request = readChatRequest(body, limits);
      work.limit(request.isStream ? settings.streamDeadlineMs : settings.deadlineMs);
      return models.use(request.model, async ({ name, model }) => {
        const { media } = settings;
        const prepared = await prepareChat(request, { model, work, media, clips: context.clips });
        const events = runChats(prepared, request.n, work);
        const facts = { name, request };
        if (!request.isStream) return wholeCompletion(events, facts);
        const { signal } = work;
        await sendEvents(reply, completionChunks(events, facts), { ...settings, signal });
        return reply;
      });
    },
  );
}
