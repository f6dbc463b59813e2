// One opener for pictures and clips: what it takes, and that no error holds a secret or content.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { IMAGE, VIDEO } from '../../../src/media/media-kind.js';
import { type MediaLocation, openSource, type SourceOptions } from '../../../src/media/source.js';

const folder = mkdtempSync(join(tmpdir(), 'source-'));
const file = join(folder, 'a b.png');
writeFileSync(file, 'content');
afterAll(() => rmSync(folder, { recursive: true }));

const KINDS = [IMAGE, VIDEO];
const PNG = Buffer.from(
  '\x89PNG\r\n\x1a\n and what follows, > ? ÿþý until it is as long as the smallest real one',
  'latin1',
);

async function refused(source: MediaLocation, kind = IMAGE, options: SourceOptions = {}) {
  try {
    const opened = await openSource(source, kind, options);
    if (opened.from === 'network') for await (const _ of opened.chunks);
  } catch (error) {
    return error as Error & { code: string; source: string };
  }
  throw new Error('it opened');
}

describe('both kinds', () => {
  it.each(KINDS)('$noun: a path or URL may be pasted with spaces around it', async (kind) => {
    for (const source of [` ${file}\n`, `\tfile://${file.replace(' ', '%20')} `])
      expect(await openSource(source, kind, {})).toEqual({ from: 'file', label: file, path: file });
  });

  it.skipIf(process.platform === 'win32')('a name may have spaces around it', async () => {
    const odd = join(folder, ' odd ');
    writeFileSync(odd, 'x');
    expect(await openSource(odd, IMAGE, {})).toMatchObject({ path: odd });
  });

  it.each(KINDS)('$noun: base64 and base64url after data:', async (kind) => {
    for (const text of [PNG.toString('base64'), PNG.toString('base64url')]) {
      const opened = await openSource(` data:image/png;base64,${text}\n`, kind, {});
      expect(opened).toMatchObject({ from: 'memory', label: 'data:image/png;base64,…' });
      expect(Buffer.compare((opened as { bytes: Uint8Array }).bytes, PNG)).toBe(0);
    }
  });

  it.each(KINDS)('$noun: empty and transferred memory', async (kind) => {
    expect(await refused(new Uint8Array(0), kind)).toMatchObject({
      code: kind.code,
      message: expect.stringMatching(/bytes \(0\): it is empty$/),
    });
    const bytes = new Uint8Array(100);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    expect(await refused(bytes, kind)).toMatchObject({
      code: kind.code,
      message: expect.stringMatching(/its memory was transferred away$/),
    });
  });

  it.each(KINDS)('$noun: files are limited', async (kind) => {
    const small = { ...kind, maxFileBytes: 6 };
    expect((await refused(file, small)).message).toMatch(/it has 7 bytes, more than the 6 allowed/);
  });
});

describe('base64 without its prefix is recognised', () => {
  const long = Buffer.alloc(3 << 20, PNG);
  it.each([
    ['short', PNG.toString('base64'), 'data:image/png;base64,'],
    ['of a URL', PNG.toString('base64url'), 'data:image/png;base64,'],
    ['long', long.toString('base64'), 'data:image/png;base64,'],
    ['in lines', long.toString('base64').replace(/.{76}/g, '$&\n'), 'data:image/png;base64,'],
    ['of anything', Buffer.alloc(5000, 1).toString('base64'), 'data:image/png;base64,'],
    [
      'of a JPEG',
      Buffer.from(`\xff\xd8\xff${'x'.repeat(80)}`, 'latin1').toString('base64'),
      'data:image/jpeg;base64,',
    ],
  ])('%s', async (_, text, prefix) => {
    const error = await refused(text);
    expect(error.message).toContain(
      `it looks like base64, not a path or URL; prefix \`${prefix}\``,
    );
    expect(inspect(error, { depth: 9 }).length).toBeLessThan(3000);
    expect(inspect(error, { depth: 9 })).not.toContain(text.slice(8, 40));
  });

  it('a clip is told its own prefix', async () => {
    expect((await refused(Buffer.alloc(5000, 1).toString('base64'), VIDEO)).message).toContain(
      'prefix `data:video/mp4;base64,`',
    );
  });

  it('no path is taken for it', async () => {
    for (const path of [
      '/9j/photos/of/the/year/2024/holidays',
      'photos-2024',
      `${'a'.repeat(300)}`,
    ])
      expect((await refused(path)).message).toMatch(/: no such file$/);
  });
});

describe('no secret and no content is in an error', () => {
  const secret = /SECRET|TOKEN/;
  it.each([
    ['nobody listens', 'http://me:SECRET@127.0.0.1:1/x.png?token=TOKEN#TOKEN'],
    ['not a URL', 'http://me:SECRET@ho st/x.png?token=TOKEN'],
    ['a bad port', 'http://me:SE/CRETSECRET@host:99999999/x.png?token=TOKEN'],
    ['another scheme', 's3://KEY:SECRET@bucket/x.png?token=TOKEN'],
    ['another scheme as a URL', new URL('ftp://me:SECRET@host/x.png?token=TOKEN')],
    ['data', `data:image/png,${'SECRET'.repeat(1000)}%`],
    ['a URL without slashes', new URL('mailto:me?subject=TOKEN')],
  ])('%s', async (_, source) => {
    for (const kind of KINDS) {
      const error = await refused(source, kind);
      expect(error.code).toBe(kind.code);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(secret);
    }
  });

  it('the place is still named', async () => {
    const error = await refused('http://me:SECRET@127.0.0.1:1/a/@b/x.png?token=TOKEN');
    expect(error.source).toBe('http://127.0.0.1:1/a/@b/x.png');
  });

  it.each(['s3://bucket/x.png', 'ftp://host/x.png', 'blob:nodedata:1', 'HTTPX://host'])(
    '%s is not read',
    async (text) => {
      expect((await refused(text.startsWith('blob') ? new URL(text) : text)).message).toMatch(
        /only http:, https:, file: and data: URLs are read$/,
      );
    },
  );
});
