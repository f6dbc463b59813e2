/** POST /tokenize: what a conversation with its pictures will take, nothing encoded. */
import type { FastifyInstance } from 'fastify';
import { mediaOf } from '../chat-answer.js';
import { readContinued, readFrames } from '../chat-request.js';
import type { ServerContext } from '../context.js';
import { Fields } from '../fields.js';
import { readOwnFields } from '../own-fields.js';
import { layOut } from '../prepare.js';
import { given } from '../sampling-fields.js';
import { readShape } from '../shape-fields.js';
import { readMessages } from '../wire-messages.js';

export function tokenizeRoutes(app: FastifyInstance, context: ServerContext): void {
  const { settings, models } = context;
  app.post('/tokenize', async ({ body: value, work }) => {
    const body = new Fields(value);
    const messages = readMessages(body.value('messages'));
    const { tools } = readShape(body);
    const { multiImage, hasGeometry } = readOwnFields(body, ['multi_image', 'geometry']);
    const continueFinalMessage = readContinued(body, messages);
    const options = given({ tools, multiImage, continueFinalMessage });
    const frames = readFrames(body, settings.media.maxFrames);
    work.limit(settings.deadlineMs);
    return models.use(body.text('model'), async ({ model }) => {
      const asked = { messages, options, frames };
      const means = { ...context, model, work, media: settings.media };
      const { rendered } = await layOut(asked, means);
      const { rows, tokens, media, prompt } = rendered;
      const { contextSize, trainedContextSize } = model.info;
      return {
        count: rows,
        max_model_len: Math.min(contextSize, trainedContextSize),
        image_tokens: media.reduce((sum, part) => sum + part.rows, 0),
        // -1 for each row of a picture.
        tokens: Array.from(tokens),
        prompt,
        media: media.map((item) => mediaOf(item, hasGeometry)),
      };
    });
  });
}
