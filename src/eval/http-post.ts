/** One POST without a time limit of its own: a long answer on a slow machine takes many minutes, and fetch gives up after five. */
import { request as http, type IncomingMessage } from 'node:http';
import { request as https } from 'node:https';
import { text } from 'node:stream/consumers';

export interface PostReply {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

/** @throws what the connection meets; an AbortError when the signal aborts */
export async function post(
  url: string,
  options: { headers: Record<string, string>; body: string; signal: AbortSignal },
): Promise<PostReply> {
  const { headers, body, signal } = options;
  const send = url.startsWith('https:') ? https : http;
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(url, { method: 'POST', headers: { ...headers, ...length }, signal });
    request.on('response', resolve).on('error', reject).end(body);
  });
  return { status: response.statusCode!, headers: response.headers, body: await text(response) };
}
