/** What every route that asks a model does: read, prepare, ask in slots, answer at once or as a stream. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerFacts } from './chat-completion.js';
import type { ChatRequest } from './chat-request.js';
import { type ChatEvent, runChats } from './chat-run.js';
import type { ServerContext } from './context.js';
import { prepareChat } from './prepare.js';
import { type SseEvent, sendEvents } from './sse.js';

/** The form of an answer. */
export interface Answering {
  whole(events: AsyncIterable<ChatEvent>, facts: AnswerFacts): Promise<object>;
  stream(events: AsyncIterable<ChatEvent>, facts: AnswerFacts): AsyncGenerator<SseEvent>;
}

/** @throws 4xx and what a chat does; a stream that has begun tells of it itself */
export async function answer(
  { settings, models, clips, metrics }: ServerContext,
  { work }: FastifyRequest,
  { reply, request, form }: { reply: FastifyReply; request: ChatRequest; form: Answering },
): Promise<FastifyReply | object> {
  work.limit(request.isStream ? settings.streamDeadlineMs : settings.deadlineMs);
  return models.use(request.model, async ({ name, model }) => {
    const prepared = await prepareChat(request, { model, work, media: settings.media, clips });
    const events = runChats(prepared, request.n, work);
    const facts = { name, request, ...metrics.clock(name, work.startedAt) };
    if (!request.isStream) return form.whole(events, facts);
    await sendEvents(reply, form.stream(events, facts), { ...settings, signal: work.signal });
    return reply;
  });
}

export function limitsOf({ settings }: ServerContext): { maxChoices: number; maxFrames: number } {
  return { maxChoices: settings.maxChoices, maxFrames: settings.media.maxFrames };
}
