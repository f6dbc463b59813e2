/** What every route that asks a model does: read, prepare, ask in slots, answer at once or as a stream. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerFacts } from './chat-completion.js';
import type { ChatRequest, RequestLimits } from './chat-request.js';
import { type ChatEvent, runChats } from './chat-run.js';
import type { ServerContext } from './context.js';
import { logFailure } from './log-failure.js';
import { prepareChat } from './prepare.js';
import { type SseEvent, sendEvents } from './sse.js';

/** The form of an answer. */
export interface Answering {
  whole(events: AsyncIterable<ChatEvent>, facts: AnswerFacts): Promise<object>;
  stream(events: AsyncIterable<ChatEvent>, facts: AnswerFacts): AsyncGenerator<SseEvent>;
}

/** @throws 4xx and what a chat does; a stream that has begun tells of it itself */
export async function answer(
  context: ServerContext,
  asked: FastifyRequest,
  { reply, request, form }: { reply: FastifyReply; request: ChatRequest; form: Answering },
): Promise<FastifyReply | object> {
  const { settings, models, metrics } = context;
  const { work } = asked;
  work.limit(request.isStream ? settings.streamDeadlineMs : settings.deadlineMs);
  return models.use(request.model, async ({ name, model }) => {
    const means = { ...context, model, work, media: settings.media };
    const prepared = await prepareChat(request, means);
    const events = runChats(prepared, request, work);
    const facts = { name, request, ...metrics.clock(name, work.startedAt) };
    if (!request.isStream) return form.whole(events, facts);
    const stream = form.stream(logged(events, asked), facts);
    await sendEvents(reply, stream, { ...settings, signal: work.signal });
    return reply;
  });
}

/** A stream tells its failures itself, so that nobody else would. */
async function* logged<T>(events: AsyncIterable<T>, asked: FastifyRequest): AsyncGenerator<T> {
  try {
    yield* events;
  } catch (error) {
    logFailure(asked, error);
    throw error;
  }
}

export function limitsOf({ settings }: ServerContext): RequestLimits {
  const { maxChoices, defaultTemperature, media } = settings;
  return { maxChoices, defaultTemperature, maxFrames: media.maxFrames };
}
