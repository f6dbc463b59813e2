/** A server on the demo model that is asked one thing after the other, and has to be well after each. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { LlavaOneVision } from '../../src/index.js';
import { createServer } from '../../src/server/index.js';
import { bounded, MAX_BODY_BYTES } from './bounded.js';
import { convertedFiles } from './golden.js';
import { filesIn, footprint } from './serve-child.js';
import { CHAT } from './serving.js';

const PLAIN = { messages: [{ role: 'user', content: 'What is there?' }], max_tokens: 12 };
const USER = [{ role: 'user', content: 'Say something.' }];

export const schema = (value: object) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema: value } },
});

/** For the tests of a file. */
export function askedDemo() {
  let model: LlavaOneVision;
  let app: FastifyInstance;
  let alone: object;
  const temporary = mkdtempSync(join(tmpdir(), 'asked-demo-'));
  beforeEach(() => void vi.stubEnv('TMPDIR', temporary));
  beforeAll(async () => {
    const files = await convertedFiles('demo', 'f16');
    model = await LlavaOneVision.load({ ...files, contextSize: 2048, threads: 1 });
    const limits = { maxBodyBytes: MAX_BODY_BYTES, maxTotalBytes: MAX_BODY_BYTES };
    app = createServer(model, { maxChoices: 4, ...limits });
    alone = answerOf(await send(PLAIN));
  });
  afterAll(async () => {
    await app?.close();
    await model?.dispose();
    rmSync(temporary, { recursive: true });
  });

  const answerOf = ({ json }: Awaited<ReturnType<typeof send>>) => ({
    text: json.choices[0].message.content,
    tokens: json.usage.completion_tokens,
  });
  const send = async (payload: object | string) => {
    const headers = { 'content-type': 'application/json' };
    const reply = await app.inject({ method: 'POST', url: CHAT, payload, headers });
    const isJson = String(reply.headers['content-type']).startsWith('application/json');
    return { status: reply.statusCode, text: reply.body, json: isJson ? reply.json() : undefined };
  };
  /** Beside a plain request, which is answered as if it were alone, by as many tokens. */
  const beside = (payload: object | string) =>
    bounded(async () => {
      const [abuse, other] = await Promise.all([send(payload), send(PLAIN)]);
      expect(answerOf(other)).toEqual(alone);
      return abuse;
    });
  const ask = (body: object) => beside({ messages: USER, max_tokens: 8, ...body });
  /** The same as it stands, for numbers that JSON does not have. */
  const askRaw = (fields: string) =>
    beside(`{"messages":${JSON.stringify(USER)},"max_tokens":8,${fields}}`);

  /** Whatever was asked, nothing is left of it, and the server goes on. */
  afterEach(async () => {
    const { status, json } = await send({ messages: USER, max_tokens: 2 });
    expect([status, json.usage.completion_tokens]).toEqual([200, 2]);
    expect(model.stats()).toMatchObject({ running: 0, queued: 0 });
    expect(filesIn(temporary)).toEqual([]);
    if (process.platform === 'linux') expect(footprint(process.pid).children).toEqual([]);
  });
  return { ask, askRaw, served: () => ({ model, app }) };
}
