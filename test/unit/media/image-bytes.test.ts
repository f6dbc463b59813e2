// Where a picture may come from, and what an error says about it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readImageBytes } from '../../../src/media/image-bytes.js';

const content = Buffer.from([0, 1, 2, 253, 254, 255]);
let folder: string;
let server: Server;
let origin: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-bytes-'));
  server = createServer((request, response) => {
    if (request.url?.startsWith('/ok')) response.end(content);
    else if (request.url === '/moved') response.writeHead(302, { location: '/ok' }).end();
    else if (request.url === '/announced')
      response.writeHead(200, { 'content-length': String(2 ** 40) }).write('x');
    else if (request.url === '/cut')
      response.writeHead(200, { 'content-length': '100' }).write('x', () => response.destroy());
    else if (request.url !== '/silent') response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await rm(folder, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const failure = (message: string | RegExp, source: string) => ({
  code: 'ERR_IMAGE_DECODE',
  source,
  message: expect.stringMatching(message),
});

describe('files', () => {
  it('are read by path and by file: URL', async () => {
    const path = join(folder, 'a b#.png');
    await writeFile(path, content);
    const url = pathToFileURL(path);
    for (const source of [path, url, url.href]) {
      const { bytes, label } = await readImageBytes(source);
      expect(Buffer.compare(bytes, content)).toBe(0);
      expect(label).toBe(path);
    }
  });

  it('~ that no shell has seen', async () => {
    await expect(readImageBytes('~/a.png')).rejects.toThrow(/no such file; .*outside of quotes/);
  });

  it.each([
    ['missing.png', 'no such file'],
    ['.', 'not a regular file'],
    ['nul\0', 'null byte'],
  ])('%j: %s', async (name, message) => {
    const path = `${folder}/${name}`;
    await expect(readImageBytes(path)).rejects.toMatchObject(failure(message, path));
  });

  it('must not be empty', async () => {
    const path = join(folder, 'empty.png');
    await writeFile(path, '');
    await expect(readImageBytes(path)).rejects.toMatchObject(failure('is empty', path));
  });

  it('keep a label short when a whole picture is passed as a path', async () => {
    const error = await readImageBytes('A'.repeat(100_000)).catch((reason) => reason);
    expect(error.code).toBe('ERR_IMAGE_DECODE');
    expect(error.source.length).toBeLessThan(130);
  });

  it('of another host are refused', async () => {
    await expect(readImageBytes('file://elsewhere/a.png')).rejects.toMatchObject({
      code: 'ERR_IMAGE_DECODE',
    });
  });
});

describe('data: URLs', () => {
  it.each([
    ['base64', `data:image/png;base64,${content.toString('base64')}`],
    ['base64 with escapes', `data:;base64,${encodeURIComponent(content.toString('base64'))}`],
    ['capitals', `DATA:image/png;BASE64,${content.toString('base64')}`],
    ['percent escapes', 'data:image/png,%00%01%02%fd%FE%ff'],
  ])('%s', async (_, url) => {
    expect(Buffer.compare((await readImageBytes(url)).bytes, content)).toBe(0);
  });

  it.each([
    ['data:image/png', 'no comma', 'data: URL'],
    ['data:image/png,%0', 'percent escape', 'data:image/png,…'],
    ['data:image/png;base64,', 'is empty', 'data:image/png;base64,…'],
  ])('%s: %s', async (url, message, source) => {
    await expect(readImageBytes(url)).rejects.toMatchObject(failure(message, source));
  });
});

describe('downloads', () => {
  it('follow redirects', async () => {
    const { bytes } = await readImageBytes(new URL('/moved', origin));
    expect(Buffer.compare(bytes, content)).toBe(0);
  });

  it('keep the query of a URL out of the label', async () => {
    const { label } = await readImageBytes(`${origin}/ok?token=secret`);
    expect(label).toBe(`${origin}/ok`);
  });

  it.each([
    ['/missing', 'answered 404 Not Found'],
    ['/announced', 'more than the 268435456 bytes'],
    ['/cut', 'download failed'],
  ])('%s: %s', async (path, message) => {
    await expect(readImageBytes(origin + path)).rejects.toMatchObject(
      failure(message, origin + path),
    );
  });

  it('fail clearly when nobody listens', async () => {
    await expect(readImageBytes('http://127.0.0.1:1/a.png')).rejects.toMatchObject(
      failure('download failed', 'http://127.0.0.1:1/a.png'),
    );
  });

  it('stop when aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 20);
    await expect(readImageBytes(`${origin}/silent`, { signal: controller.signal })).rejects.toBe(
      reason,
    );
  });
});

it('other schemes are refused', async () => {
  await expect(readImageBytes(new URL('ftp://example.org/a.png'))).rejects.toMatchObject({
    code: 'ERR_IMAGE_DECODE',
  });
});
