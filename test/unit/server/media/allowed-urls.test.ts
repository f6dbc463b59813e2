// What the entries of --allow-media-url let through, and what the options of the server's media refuse.
import { describe, expect, it } from 'vitest';
import {
  isAllowedAddress,
  isAllowedUrl,
  parseAllowed,
} from '../../../../src/server/media/allowed-urls.js';
import { checkPartCount, mediaRules } from '../../../../src/server/media/fetch-media.js';

const mayAsk = (url: string, ...entries: string[]) =>
  isAllowedUrl(new URL(url), entries.map(parseAllowed));
const mayConnect = (address: string, url: string, ...entries: string[]) =>
  isAllowedAddress(address, new URL(url), entries.map(parseAllowed));

describe('A URL may be asked', () => {
  it.each([
    ['http://a.example/x', 'a.example'],
    ['https://a.example/x', 'A.Example/'],
    ['http://a.example:8080/', 'a.example:8080'],
    ['http://a.example/', 'a.example:80'],
    ['https://a.example/', 'a.example:443'],
    ['https://a.example/', 'https://a.example'],
    ['https://b.a.example/', '*.a.example'],
    ['http://anything/', '*'],
    ['http://1.2.3.4/', '*'],
    ['http://anything:81/', '*:81'],
    ['http://10.1.2.3/', '10.0.0.0/8'],
    ['http://10.0.0.7:9000/', '10.0.0.7:9000'],
    ['http://[fd00::1]/', 'fd00::/8'],
    ['http://[fd00::1]:81/', 'http://[fd00::1]:81'],
    ['http://127.0.0.1/', 'localhost'],
  ])('%s, by the entry %s', (url, entry) => expect(mayAsk(url, entry)).toBe(true));

  it.each([
    ['http://a.example:8080/', 'a.example'],
    ['http://a.example:8080/', '*'],
    ['http://a.example/', 'a.example:8080'],
    ['http://a.example/', 'a.example:443'],
    ['http://a.example/', 'https://a.example'],
    ['http://a.example.org/', 'a.example'],
    ['http://xa.example/', '*.a.example'],
    ['http://a.example/', '*.a.example'],
    ['http://11.1.2.3/', '10.0.0.0/8'],
    ['http://10.1.2.3:81/', '10.0.0.0/8'],
    ['http://name/', '10.0.0.0/8'],
    ['http://a.example/', ''.padEnd(1, 'b')],
  ])('%s not by the entry %s', (url, entry) => expect(mayAsk(url, entry)).toBe(false));
});

describe('A connection may go', () => {
  it.each([
    ['1.2.3.4', 'http://a/', '*'],
    ['2606:4700::1', 'http://a/', '*'],
    ['10.1.2.3', 'http://a/', '10.0.0.0/8'],
    ['127.0.0.1', 'http://localhost:81/', 'localhost:81'],
    ['::1', 'http://localhost:81/', 'localhost:81'],
  ])('to %s for %s, by the entry %s', (address, url, entry) =>
    expect(mayConnect(address, url, entry)).toBe(true),
  );

  it.each([
    ['10.1.2.3', 'http://a/', 'a'],
    ['10.1.2.3', 'http://a:81/', '10.1.2.3'],
    ['127.0.0.1', 'http://localhost/', 'localhost:81'],
    ['::7f00:1', 'http://a/', '*'],
    ['fe80::1%eth0', 'http://a/', '*'],
    ['no address', 'http://a/', '*'],
  ])('not to %s for %s, by the entry %s', (address, url, entry) =>
    expect(mayConnect(address, url, entry)).toBe(false),
  );
});

it.each(['', 'http://', 'a b', 'host/path', 'ftp://h', '300.1.1.1/99', '*a', 'http://u@h', 7])(
  'An entry %j is refused at start',
  (entry) => {
    expect(() => mediaRules({ allowUrls: [entry as string] })).toThrow(/Expected a host as in/);
  },
);

it.each([
  { maxBytes: 0 },
  { maxPixels: 1.5 },
  { timeoutMs: Number.NaN },
  { maxParts: -1 },
  { maxFrames: '3' },
  { maxClipSeconds: 1e9 },
  { allowUrls: '*' },
  { mediaDir: '' },
  { misspelt: 1 },
])('The option %j is refused at start', (options) => {
  expect(() => mediaRules(options as never)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
  );
});

it('21 the number of parts is checked before any is fetched', () => {
  const rules = mediaRules({ maxParts: 2 });
  expect(() => checkPartCount(2, rules)).not.toThrow();
  expect(() => checkPartCount(3, rules)).toThrow(/at most 2 pictures and clips .* received 3/);
});
