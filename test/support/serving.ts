/** A server on the toy model, and what tests ask of it. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';
import { createServer, type ServerOptions } from '../../src/server/index.js';
import type { FakeBindingOptions } from './fake-binding.js';
import { type FakeModel, fakeModel } from './fake-model.js';

export interface Serving extends FakeModel {
  app: FastifyInstance;
}

export interface ServingOptions {
  server?: ServerOptions;
  fake?: FakeBindingOptions;
  load?: Parameters<typeof fakeModel>[1];
}

/** The model is called 'toy'. */
export async function serving({ server, fake, load }: ServingOptions = {}): Promise<Serving> {
  const made = await fakeModel({ reply: () => 'yes', ...fake }, load);
  const app = createServer(made.model, { modelName: 'toy', drainMs: 0, ...server });
  onTestFinished(async () => {
    await app.close();
    await made.model.dispose();
  });
  return { ...made, app };
}

/** @returns where it listens */
export async function listening(app: FastifyInstance): Promise<{ port: number; url: string }> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}` };
}

/** Few tokens that fill every buffer between the server and its client: each chunk tells the model's name. */
export const WORDY = {
  server: { modelName: 'm'.repeat(30_000) },
  fake: { reply: () => 'a'.repeat(500) },
} satisfies ServingOptions;

export const USER = [{ role: 'user', content: 'Hello' }];
export const CHAT = '/v1/chat/completions';

/** POSTs a chat completion without a socket. */
export async function post(app: FastifyInstance, body: object, headers: object = {}) {
  const payload = { model: 'toy', messages: USER, ...body };
  const reply = await app.inject({ method: 'POST', url: CHAT, payload, headers: { ...headers } });
  return {
    status: reply.statusCode,
    headers: reply.headers,
    text: reply.body,
    json: parsed(reply.body),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: an answer's JSON
function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a stream's lines hold, the end mark left out. */
// biome-ignore lint/suspicious/noExplicitAny: chunks of all kinds
export function eventsOf(text: string): any[] {
  const lines = text.split('\n').filter((line) => line.startsWith('data: '));
  return lines
    .map((line) => line.slice(6))
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data));
}

/** A PNG of one colour, 16 × 16, as a data: URL; `shade` makes different ones. */
export async function pngUrl(shade = 0, size = 16): Promise<string> {
  const { default: sharp } = await import('sharp');
  const background = { r: shade, g: 40, b: 80 };
  const create = { width: size, height: size, channels: 3 as const, background };
  const bytes = await sharp({ create }).png().toBuffer();
  return `data:image/png;base64,${bytes.toString('base64')}`;
}

export function pictured(url: string, text = 'What is it?'): object[] {
  const content = [
    { type: 'image_url', image_url: { url } },
    { type: 'text', text },
  ];
  return [{ role: 'user', content }];
}

/** A request whose answer is left unread until the test wants it. */
export function open(port: number, body: object, headers: Record<string, string> = {}) {
  const request = httpRequest({
    ...{ port, host: '127.0.0.1', path: CHAT, method: 'POST' },
    headers: { 'content-type': 'application/json', ...headers },
  });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  response.catch(() => {});
  request.end(JSON.stringify({ model: 'toy', messages: USER, ...body }));
  return { request, response };
}
