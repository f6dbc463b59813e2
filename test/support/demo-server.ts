/** The demo model behind a port, for clients that are what people use. One for all tests of a file. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { LlavaOneVision } from '../../src/index.js';
import { createServer, type ServerOptions } from '../../src/server/index.js';
import { allQuestions, type Question } from './demo-questions.js';
import { convertedFiles } from './golden.js';

export interface DemoServer {
  model: LlavaOneVision;
  app: FastifyInstance;
  /** "http://127.0.0.1:1234" */
  url: string;
  /** With /v1, as clients want it. */
  base: string;
  close(): Promise<void>;
}

export const KEY = 'demo-key';

/** The model is called 'demo'; KEY is needed. */
export async function demoServer(options: ServerOptions = {}): Promise<DemoServer> {
  const files = await convertedFiles('demo', 'f16');
  const model = await LlavaOneVision.load({ ...files, contextSize: 8192, threads: 1 });
  const app = createServer(model, { modelName: 'demo', apiKeys: [KEY], drainMs: 0, ...options });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const close = async () => {
    await app.close();
    await model.dispose();
  };
  return { model, app, url, base: `${url}/v1`, close };
}

/** Greedy, without the penalties that a file may bring. */
export const GREEDY = { temperature: 0, max_tokens: 32 } as const;

/** A drawn question with its pictures as data: URLs, and what the reference answers. */
export function drawn(task: string, index = 0): Question & { images: string[] } {
  const question = allQuestions.find(({ id }) => id === `${task}-${index}`)!;
  return { ...question, images: question.images ?? [] };
}

/** Without `data:image/png;base64,` */
export const bytesOf = (url: string) => Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
