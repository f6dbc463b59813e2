/** /v1/responses: the subset that clients use who go on from answers that are kept for them. */
import type { FastifyInstance } from 'fastify';
import { answer, limitsOf } from '../answering.js';
import { ApiError } from '../api-error.js';
import type { AnswerFacts } from '../chat-completion.js';
import type { ServerContext } from '../context.js';
import type { ResponseWriting } from '../responses/response-events.js';
import { responseEvents, wholeResponse } from '../responses/response-events.js';
import { joinTurns } from '../responses/response-input.js';
import { messageOf, newHead, type ResponseHead } from '../responses/response-object.js';
import { type ResponseRequest, readResponseRequest } from '../responses/response-request.js';
import { ResponseStore } from '../responses/response-store.js';

/** Of each key. */
const KEPT = { maxResponses: 1000, maxBytes: 64 * 2 ** 20, lifetimeMs: 3_600_000 };

type WithId = { Params: { id: string } };

export function responseRoutes(app: FastifyInstance, context: ServerContext): void {
  const store = new ResponseStore(KEPT);
  const limits = limitsOf(context);

  app.post('/v1/responses', async (asked, reply) => {
    const { owner } = asked.work;
    const request = readResponseRequest(asked.body, limits, {
      find: (id) => store.findItem(owner, id),
      get: (id) => store.get(owner, id),
    });
    const writing = (facts: AnswerFacts) => writer(facts, { request, store, owner });
    return answer(context, asked, {
      reply,
      request: request.chat,
      form: {
        whole: (events, facts) => wholeResponse(events, ...writing(facts)),
        stream: (events, facts) => responseEvents(events, ...writing(facts)),
      },
    });
  });

  app.get<WithId>('/v1/responses/:id', async ({ params, work }) => {
    const kept = store.get(work.owner, params.id);
    if (kept) return kept.response;
    throw notKept();
  });

  app.delete<WithId>('/v1/responses/:id', async ({ params, work }) => {
    if (!store.delete(work.owner, params.id)) throw notKept();
    return { id: params.id, object: 'response', deleted: true };
  });
}

interface Keeping {
  request: ResponseRequest;
  store: ResponseStore;
  owner: string | undefined;
}

function writer(
  { name, onChunk, onEnd }: AnswerFacts,
  { request, store, owner }: Keeping,
): [ResponseHead, ResponseWriting] {
  const { echo, isKept, conversation } = request;
  const head = newHead({ name, echo, isKept });
  const writing: ResponseWriting = {
    ...(onChunk && { onChunk }),
    onEnd: (output, response, result) => {
      onEnd?.([result]);
      if (!isKept) return;
      // A call that was cut off has no arguments to go on from.
      const whole = output.filter((item) => item.type === 'message' || item.status === 'completed');
      const items = new Map(whole.map((item) => [item.id, messageOf(item)]));
      const messages = joinTurns([...conversation, ...items.values()]);
      store.add(owner, { id: head.id, messages, items, response });
    },
  };
  return [head, writing];
}

function notKept(): ApiError {
  return new ApiError(404, 'No such response is kept here.', { code: 'response_not_found' });
}
