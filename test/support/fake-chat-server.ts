/** An OpenAI-compatible server on this machine, whose replies the test decides. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface ChatRequest {
  path: string;
  authorization: string | undefined;
  body: {
    model: string;
    max_tokens: number;
    temperature: number;
    response_format?: object;
    messages: { role: string; content: unknown }[];
  };
}

export interface ChatReply {
  status?: number;
  headers?: Record<string, string>;
  /** Of a completion; a string is its text, an object the whole body. */
  body: string | object;
}

/** @param reply to the nth request, from 0 @returns the URL to give, and what was asked so far */
export async function fakeChatServer(
  reply: (request: ChatRequest, n: number) => ChatReply | string,
): Promise<{ url: string; requests: ChatRequest[] }> {
  const requests: ChatRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { authorization } = incoming.headers;
    const body = JSON.parse(Buffer.concat(chunks).toString());
    const request = { path: incoming.url!, authorization, body };
    requests.push(request);
    const given = reply(request, requests.length - 1);
    const answer = typeof given === 'string' ? { body: given } : given;
    response.writeHead(answer.status ?? 200, answer.headers);
    response.end(
      typeof answer.body === 'string' ? completion(answer) : JSON.stringify(answer.body),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1`, requests };
}

function completion({ status = 200, body }: ChatReply): string {
  if (status !== 200) return String(body);
  const choices = [{ message: { role: 'assistant', content: body }, finish_reason: 'stop' }];
  return JSON.stringify({ choices, usage: { prompt_tokens: 11, completion_tokens: 3 } });
}
