// Addresses, names and redirects that led others' servers into their own networks; the numbers are those of the issue.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MediaRules } from '../../../../src/server/media/fetch-media.js';
import { fetched, refusal } from '../../../support/refused-media.js';

const ANY = { allowUrls: ['*'] };
const NOT_HERE = /an address that this server does not fetch from/;
const NOT_ALLOWED = /a host or port that this server does not fetch from/;
let picture: Buffer;
let server: Server;
let other: Server;
let port: number;
let otherPort: number;
let asked: string[] = [];
let cut = 0;

const redirect = (to: string) => (response: ServerResponse) =>
  response.writeHead(302, { location: to }).end();

const answers: Record<string, (response: ServerResponse) => void> = {
  '/ok': (response) => response.writeHead(200, { 'content-type': 'image/png' }).end(picture),
  '/untyped': (response) => response.end(picture),
  '/here': redirect('/ok'),
  '/round': redirect('/round'),
  '/private': redirect('http://10.0.0.1/ok'),
  '/metadata': redirect('http://169.254.169.254/latest/meta-data/'),
  '/file': redirect('file:///etc/passwd'),
  '/gopher': redirect('gopher://media.example/'),
  '/other-port': (response) => redirect(`http://media.example:${otherPort}/ok`)(response),
  '/userinfo': (response) => redirect(`http://me@media.example:${port}/ok`)(response),
  '/html': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  '/lies': (response) =>
    response.writeHead(200, { 'content-type': 'image/png' }).end(`<html>${' '.repeat(600)}`),
  '/missing': (response) => response.writeHead(404).end('the secret page'),
  '/announced': (response) =>
    void response.writeHead(200, { 'content-length': 2 ** 40 }).write('x'),
  '/endless': (response) => {
    response.writeHead(200, { 'content-type': 'image/png' }).write(picture);
    const more = () => response.write(Buffer.alloc(65_536)) && setImmediate(more);
    response.on('drain', more).on('close', () => cut++);
    more();
  },
  '/silent': (response) => {
    response.writeHead(200, { 'content-type': 'image/png' }).write(picture.subarray(0, 20));
    response.on('close', () => cut++);
  },
  '/short': (response) => {
    response.writeHead(200, { 'content-length': 1000 }).write(picture);
    setImmediate(() => response.destroy());
  },
  '/packed': (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(picture),
};

async function listen(): Promise<[Server, number]> {
  const made = createServer((request, response) => {
    asked.push(request.url!);
    (answers[request.url!] ?? (() => response.writeHead(500).end()))(response);
  });
  await new Promise<void>((resolve) => void made.listen(0, '127.0.0.1', resolve));
  return [made, (made.address() as AddressInfo).port];
}

beforeAll(async () => {
  [server, port] = await listen();
  [other, otherPort] = await listen();
  picture = await sharp({ create: { width: 8, height: 6, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
});
beforeEach(() => {
  asked = [];
  cut = 0;
});
afterAll(() => {
  for (const each of [server, other]) {
    each.closeAllConnections();
    each.close();
  }
});

/** A name server that gives one list of addresses after the other, and the last again and again. */
function names(...lists: string[][]): LookupFunction & { asked: number } {
  const lookup: LookupFunction = (_name, options, callback) => {
    const list = lists[Math.min(counted.asked++, lists.length - 1)]!;
    const found = list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    setImmediate(() =>
      options.all ? callback(null, found) : callback(null, found[0]!.address, found[0]!.family),
    );
  };
  const counted = Object.assign(lookup, { asked: 0 });
  return counted;
}

/** The test's own server by a public name; its address is opened, as one opens a server of one's own. */
const mine = (more: Partial<MediaRules> = {}): Partial<MediaRules> => ({
  allowUrls: [`media.example:${port}`, `127.0.0.1:${port}`],
  lookup: names(['127.0.0.1']),
  ...more,
});
const at = (path: string) => `http://media.example:${port}${path}`;

describe('A picture is fetched from hosts that are allowed', () => {
  it.each(['/ok', '/untyped', '/here'])('%s', async (path) => {
    expect(Buffer.compare(await fetched(at(path), mine()), picture)).toBe(0);
  });

  it('nothing is, unless a host is', async () => {
    expect(await refusal(at('/ok'), {})).toMatch(/fetches nothing over http/);
  });
});

describe('1 loopback and private ranges are not asked', () => {
  it.each(['127.0.0.1', '10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', '0.0.0.0', '[::1]'])(
    '1 %s, written in the URL',
    async (host) => {
      expect(await refusal(`http://${host}/ok`, ANY)).toMatch(NOT_HERE);
      expect(await refusal(`https://${host}/ok`, ANY)).toMatch(NOT_HERE);
    },
  );

  it.each(['127.0.0.1', '10.1.2.3', 'fd00::1', 'fe80::1', '::', '224.0.0.1', '255.255.255.255'])(
    '1 %s, behind a name',
    async (address) => {
      const lookup = names([address]);
      expect(await refusal('http://media.example/ok', { ...ANY, lookup })).toMatch(NOT_HERE);
    },
  );

  it('1 nor is a server here by its own port', async () => {
    expect(await refusal(`http://127.0.0.1:${port}/ok`, ANY)).toMatch(NOT_ALLOWED);
    const lookup = names(['127.0.0.1']);
    expect(await refusal(at('/ok'), { allowUrls: [`*:${port}`], lookup })).toMatch(NOT_HERE);
    expect(asked).toEqual([]);
  });
});

it.each(['169.254.169.254', '[fd00:ec2::254]', '100.100.100.200', '168.63.129.16:9999'])(
  '2 the metadata address %s is not asked',
  async (host) => {
    expect(await refusal(`http://${host}/latest/meta-data/`, ANY)).toMatch(/does not fetch from/);
  },
);

describe('3 a redirect to a private address is not followed', () => {
  it.each(['/private', '/metadata'])('3 %s', async (path) => {
    const allowUrls = ['*', `*:${port}`, `127.0.0.1:${port}`];
    expect(await refusal(at(path), mine({ allowUrls }))).toMatch(NOT_HERE);
    expect(asked).toEqual([path]);
  });
});

describe('4 a name that changes its address between check and connection', () => {
  it('4 is looked up once, in the connection', async () => {
    const lookup = names(['127.0.0.1'], ['127.0.0.2']);
    expect(await fetched(at('/ok'), mine({ lookup }))).toEqual(picture);
    expect(lookup.asked).toBe(1);
  });

  it('4 is refused where the answer it is connected by is not fine', async () => {
    const lookup = names(['127.0.0.1'], ['127.0.0.2']);
    expect(await refusal(at('/here'), mine({ lookup }))).toMatch(NOT_HERE);
    expect(asked).toEqual(['/here']);
  });
});

it.each([[['127.0.0.1', '10.0.0.1']], [['10.0.0.1', '127.0.0.1']], [['127.0.0.1', '::1']], [[]]])(
  '5 mixed answers of the name server %j spoil the name',
  async (list) => {
    expect(await refusal(at('/ok'), mine({ lookup: names(list) }))).toMatch(/not fetch from/);
    expect(asked).toEqual([]);
  },
);

it.each([
  'http://media.example\\@10.0.0.1/',
  'http:\\\\media.example/',
  'http://media.example:80\\..\\x',
  'http://media.example@10.0.0.1/',
  'http://me:password@media.example/',
  'http://@media.example/',
  'http://media.example/\n',
  ' http://media.example/',
  'http://med\tia.example/',
  'http://media.exa\0mple/',
  'http://',
  'http://[::1',
])('6 backslashes, user names and what is no URL: %j', async (url) => {
  expect(await refusal(url, ANY)).toMatch(/well formed|user name|expected a data/);
});

it.each([
  ['/file', /neither http nor https/],
  ['/gopher', /neither http nor https/],
  ['/other-port', NOT_ALLOWED],
  ['/userinfo', /user name/],
  ['/round', /redirects more than 5 times/],
])('7 a redirect to another scheme or port, %s, is not followed', async (path, reason) => {
  expect(await refusal(at(path), mine())).toMatch(reason);
});

it.each([
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '127.1',
  '127。0。0。1',
  '127.0.0.1.',
  'localhost.',
])('8 other ways to write a loopback address: %s', async (host) => {
  const lookup = names(['127.0.0.1']);
  expect(await refusal(`http://${host}/`, { ...ANY, lookup })).toMatch(/fetch from|ends in a dot/);
});

describe('9 no error tells an address or what the other side said', () => {
  it('9 of a closed port', async () => {
    const lookup = names(['127.0.0.1']);
    const allowUrls = ['media.example:9', '127.0.0.1:9'];
    expect(await refusal('http://media.example:9/', { allowUrls, lookup })).toBe(
      'Cannot use the image: its server cannot be reached, or broke off',
    );
  });

  it('9 of a name that is not known', async () => {
    const lookup: LookupFunction = (_name, _options, callback) =>
      callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), '', 0);
    expect(await refusal(at('/ok'), mine({ lookup }))).toMatch(/cannot be reached/);
  });

  it('9 of an error page, a wrong type, a packed body, a broken connection', async () => {
    expect(await refusal(at('/missing'), mine())).toMatch(/answered with status 404$/);
    expect(await refusal(at('/html'), mine())).toMatch(/says that it is no image/);
    expect(await refusal(at('/ok'), mine(), 'video')).toMatch(/says that it is no video/);
    expect(await refusal(at('/packed'), mine())).toMatch(/compressed/);
    expect(await refusal(at('/short'), mine())).toMatch(/broke/);
  });
});

describe('10 limits hold while reading', () => {
  const closed = () => expect.poll(() => cut).toBe(1);

  it('10 bytes: an endless body is cut', async () => {
    expect(await refusal(at('/endless'), mine({ maxBytes: 100_000 }))).toMatch(
      /more than the 100000/,
    );
    await closed();
  });

  it('10 bytes: an announced length is enough', async () => {
    expect(await refusal(at('/announced'), mine())).toMatch(/bytes allowed/);
  });

  it('10 time: a silent server is left', async () => {
    expect(await refusal(at('/silent'), mine({ timeoutMs: 50 }))).toMatch(/more than 0.05 s/);
    await closed();
  });

  it('10 type: what is no picture is not read to its end', async () => {
    expect(await refusal(at('/lies'), mine())).toMatch(/it is HTML/);
  });

  it('10 an abort ends it with its own reason', async () => {
    const abort = new AbortController();
    const pending = fetched(at('/silent'), mine(), 'image', abort.signal);
    await expect.poll(() => asked).toHaveLength(1);
    abort.abort(new Error('gone'));
    await expect(pending).rejects.toThrow('gone');
    await closed();
  });
});
