// The chat page as the server hands it out: to everybody, from memory, under a policy of its own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPageBuilt, pageRoutes } from '../../src/server/routes/page.js';
import { serving } from '../support/serving.js';

const INDEX = '<!doctype html><title>Chat</title>';
const SCRIPT = `export const text = '${'la'.repeat(500)}';`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'llava-onevision-page-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), INDEX);
  writeFileSync(join(folder, 'secret.html'), 'not for the world');
  writeFileSync(join(folder, 'worker.js'), SCRIPT);
  writeFileSync(join(folder, 'assets/main-abc.js'), SCRIPT);
  writeFileSync(join(folder, 'assets/face-abc.woff2'), 'font');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Keys are needed. */
async function paged(from = folder) {
  const { app } = await serving({ server: { apiKeys: ['secret'] } });
  pageRoutes(app, from);
  return app;
}

describe('the page', () => {
  it('needs no key, and may speak to nobody but this server', async () => {
    const app = await paged();
    const { statusCode, headers, body } = await app.inject('/');
    expect([statusCode, body]).toEqual([200, INDEX]);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-cache');
    const policy = new Map(
      String(headers['content-security-policy'])
        .split('; ')
        .map((rule) => rule.split(/ (.*)/, 2) as [string, string]),
    );
    expect(Object.fromEntries(policy)).toEqual({
      'default-src': "'self'",
      'img-src': "'self' data: blob:",
      'media-src': "'self' blob:",
      'connect-src': "'self'",
      'worker-src': "'self'",
      'object-src': "'none'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    });
    expect(headers['x-dns-prefetch-control']).toBe('off');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect((await app.inject('/v1/models')).statusCode).toBe(401);
  });

  it('is not sent again to who has it', async () => {
    const app = await paged();
    const { etag } = (await app.inject('/')).headers;
    const again = await app.inject({ url: '/', headers: { 'if-none-match': String(etag) } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
    const asset = (await app.inject('/assets/main-abc.js')).headers;
    expect(asset['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(asset['content-type']).toBe('text/javascript; charset=utf-8');
    const worker = (await app.inject('/worker.js')).headers;
    expect(worker['cache-control']).toBe('no-cache');
    expect(worker['content-type']).toBe('text/javascript; charset=utf-8');
  });

  it.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ])('comes as %s', async (encoding, decode) => {
    const app = await paged();
    const headers = { 'accept-encoding': `deflate, ${encoding}` };
    // Twice: the second comes from what the first made.
    for (let i = 0; i < 2; i++) {
      const reply = await app.inject({ url: '/assets/main-abc.js', headers });
      expect(reply.headers['content-encoding']).toBe(encoding);
      expect(String(decode(reply.rawPayload))).toBe(SCRIPT);
    }
    const font = await app.inject({ url: '/assets/face-abc.woff2', headers });
    expect([font.headers['content-encoding'], font.body]).toEqual([undefined, 'font']);
  });

  it('answers HEAD', async () => {
    const app = await paged();
    const { statusCode, headers, body } = await app.inject({ method: 'HEAD', url: '/' });
    expect([statusCode, body]).toEqual([200, '']);
    expect(headers['content-length']).toBe(String(INDEX.length));
  });

  it.each([
    '/secret.html',
    '/index.html',
    '/assets/',
    '/assets/none.js',
    '/assets/../secret.html',
    '/assets/..%2fsecret.html',
    '/assets/%2e%2e%2findex.html',
    '/assets/__proto__',
  ])('%s is nothing', async (url) => {
    const headers = { authorization: 'Bearer secret' };
    const { statusCode, body } = await (await paged()).inject({ url, headers });
    expect(statusCode).toBe(404);
    expect(JSON.parse(body).error.code).toBe('not_found');
  });

  it('is not shown to who calls the server by a strange name', async () => {
    const app = await paged();
    for (const url of ['/', '/assets/main-abc.js'])
      expect((await app.inject({ url, headers: { host: 'evil.example' } })).statusCode).toBe(421);
  });

  it('says so where it was not built', async () => {
    const app = await paged(join(folder, 'nowhere'));
    const { statusCode, body } = await app.inject('/');
    expect(statusCode).toBe(404);
    expect(JSON.parse(body).error).toMatchObject({ code: 'page_not_built' });
    expect(isPageBuilt(join(folder, 'nowhere'))).toBe(false);
    expect(isPageBuilt(folder)).toBe(true);
  });
});

it('a program that has the server within it gets the page only if it asks', async () => {
  const without = await serving();
  expect((await without.app.inject('/')).json().error.code).toBe('not_found');
  const { app } = await serving({ server: { page: true } });
  expect((await app.inject('/')).headers['content-security-policy']).toContain("'self'");
});
