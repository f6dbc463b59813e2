/** A server on the demo model that is asked one thing after the other, and has to be well after each. */
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { LlavaOneVision } from '../../src/index.js';
import { createServer } from '../../src/server/index.js';
import { convertedFiles } from './golden.js';
import { CHAT } from './serving.js';

const USER = [{ role: 'user', content: 'Say something.' }];

export const schema = (value: object) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema: value } },
});

/** For the tests of a file. */
export function askedDemo() {
  let model: LlavaOneVision;
  let app: FastifyInstance;
  beforeAll(async () => {
    const files = await convertedFiles('demo', 'f16');
    model = await LlavaOneVision.load({ ...files, contextSize: 2048, threads: 1 });
    app = createServer(model, { maxChoices: 4, maxTotalBytes: 2 ** 26 });
  });
  afterAll(async () => {
    await app?.close();
    await model?.dispose();
  });

  const ask = async (body: object) => {
    const payload = { messages: USER, max_tokens: 8, ...body };
    const reply = await app.inject({ method: 'POST', url: CHAT, payload });
    const isJson = String(reply.headers['content-type']).startsWith('application/json');
    return { status: reply.statusCode, text: reply.body, json: isJson ? reply.json() : undefined };
  };
  /** The same as it stands, for numbers that JSON does not have. */
  const askRaw = async (fields: string) => {
    const payload = `{"messages":${JSON.stringify(USER)},"max_tokens":8,${fields}}`;
    const headers = { 'content-type': 'application/json' };
    const reply = await app.inject({ method: 'POST', url: CHAT, payload, headers });
    return { status: reply.statusCode, json: reply.json() };
  };

  /** Whatever was asked, nothing is left of it, and the server goes on. */
  afterEach(async () => {
    const { status, json } = await ask({ max_tokens: 2 });
    expect([status, json.usage.completion_tokens]).toEqual([200, 2]);
    expect(model.stats()).toMatchObject({ running: 0, queued: 0 });
  });
  return { ask, askRaw, served: () => ({ model, app }) };
}
