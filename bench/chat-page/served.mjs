// The built page behind a server that answers every chat with one text, token by token at an even pace: what is measured is the page.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const HEAD = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'bench' };
const SEEN = {
  usage: {
    prompt_tokens: 9,
    completion_tokens: 9,
    prompt_tokens_details: { cached_tokens: 0, image_tokens: 0 },
  },
  llava_onevision: { media: [], timings: { total_ms: 1 }, seed: 1 },
};

async function stream(request, response, { text, perSecond }) {
  // A browser reads no answer before all of its pictures are taken.
  await once(request.resume(), 'end');
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (more) => response.write(`data: ${JSON.stringify({ ...HEAD, ...more })}\n\n`);
  const chunk = (delta, reason = null) =>
    send({ choices: [{ index: 0, delta, finish_reason: reason }] });
  for (const token of text.match(/\s?\S+|\s/g)) {
    chunk({ content: token });
    await sleep(1000 / perSecond);
  }
  chunk({}, 'stop');
  send({ choices: [], ...SEEN });
  response.end('data: [DONE]\n\n');
}

/** @param answer { text, perSecond } @returns { url, close } */
export async function servePage(folder, answer) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://x');
    const json = (value) => response.end(JSON.stringify(value));
    if (pathname === '/ready') return json({ status: 'ready' });
    if (pathname === '/v1/models') return json({ object: 'list', data: [{ id: 'bench' }] });
    if (pathname === '/v1/chat/completions') return void stream(request, response, answer);
    const name = pathname === '/' ? 'index.html' : pathname;
    try {
      const bytes = readFileSync(join(folder, name));
      response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream');
      return response.end(bytes);
    } catch {
      return response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
