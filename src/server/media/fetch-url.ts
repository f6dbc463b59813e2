/**
 * http(s) for strangers. Every URL on the way (redirects are followed here, one by one) must be allowed, and every address that
 * its name stands for is checked inside the connection's own look-up, so that no second answer can differ from the first.
 * No proxy, no cookies, no credentials. Errors name neither addresses nor hosts, nor what the other side said.
 */
import { lookup as systemLookup } from 'node:dns';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { packageVersion } from '../../addon/package-root.js';
import type { LlavaError } from '../../errors.js';
import { type AllowedEntry, isAllowedAddress, isAllowedUrl, parseAllowed } from './allowed-urls.js';
import type { MediaRules } from './media-rules.js';

export interface UrlOptions {
  kind: 'image' | 'video';
  rules: MediaRules;
  signal: AbortSignal;
  refuse: (reason: string) => LlavaError;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];
const NOT_PUBLIC = 'ERR_ADDRESS_NOT_PUBLIC';

/** The body, piece by piece; ending the loop ends the connection. @throws what `refuse` makes, signal.reason */
export async function* fetchUrl(text: string, options: UrlOptions): AsyncGenerator<Uint8Array> {
  const { refuse, rules, kind } = options;
  const allowed = rules.allowUrls.map(parseAllowed);
  const response = await follow(checkedUrl(text, allowed, refuse), allowed, options);
  response.on('error', () => {});
  try {
    const { statusCode, headers } = response;
    if (statusCode !== 200) throw refuse(`its server answered with status ${statusCode}`);
    if (Number(headers['content-length']) > rules.maxBytes)
      throw refuse(`it has more than the ${rules.maxBytes} bytes allowed`);
    const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    if (type && !isTypeOf(kind, type)) throw refuse(`its server says that it is no ${kind}`);
    if ((headers['content-encoding'] ?? 'identity') !== 'identity')
      throw refuse('its server sends it compressed, which was not asked for');
    yield* response;
    if (!response.complete) throw refuse('the connection broke');
  } catch (error) {
    throw replaced(error, options);
  } finally {
    response.destroy();
  }
}

/** Servers that know no better say octet-stream. */
function isTypeOf(kind: 'image' | 'video', type: string): boolean {
  if (type === 'application/octet-stream' || type === 'binary/octet-stream') return true;
  return type.startsWith(`${kind}/`) || (kind === 'video' && type === 'image/gif');
}

async function follow(
  first: URL,
  allowed: readonly AllowedEntry[],
  options: UrlOptions,
): Promise<IncomingMessage> {
  const { refuse } = options;
  let url = first;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await ask(url, allowed, options).catch((error) => {
      throw replaced(error, options);
    });
    const { location } = response.headers;
    if (!REDIRECTS.includes(response.statusCode!) || location === undefined) return response;
    response.on('error', () => {}).destroy();
    const next = checkedUrl(location, allowed, refuse, url);
    if (url.protocol === 'https:' && next.protocol === 'http:')
      throw refuse('it redirects from https to http');
    url = next;
  }
  throw refuse(`it redirects more than ${MAX_REDIRECTS} times`);
}

/** Nothing that two parsers could read in two ways. */
function checkedUrl(
  text: string,
  allowed: readonly AllowedEntry[],
  refuse: UrlOptions['refuse'],
  base?: URL,
): URL {
  const what = base ? 'the redirect' : 'the URL';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\\\s\x00-\x1f\x7f]/.test(text) || !URL.canParse(text, base?.href))
    throw refuse(`${what} is not well formed`);
  const url = new URL(text, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refuse(`${what} is neither http nor https`);
  if (url.username !== '' || url.password !== '' || /^[a-z]+:\/\/[^/?#]*@/i.test(text))
    throw refuse(`${what} holds a user name or password`);
  if (url.hostname.endsWith('.')) throw refuse(`${what} has a host that ends in a dot`);
  if (!isAllowedUrl(url, allowed))
    throw refuse(`${what} leads to a host or port that this server does not fetch from`);
  return url;
}

function ask(
  url: URL,
  allowed: readonly AllowedEntry[],
  { kind, rules, signal }: UrlOptions,
): Promise<IncomingMessage> {
  const isFine = (address: string) => isAllowedAddress(address, url, allowed);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isFine(host)) return Promise.reject(notPublic());
  const headers = {
    'user-agent': `llava-onevision/${packageVersion()}`,
    accept: `${kind}/*`,
    'accept-encoding': 'identity',
  };
  const lookup = checkedLookup(isFine, rules.lookup ?? systemLookup);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = send(url, { agent: false, headers, lookup, signal }, resolve);
    sent.on('error', reject).end();
  });
}

/** One address that is not fine spoils the name: which one is connected to is the system's choice. */
function checkedLookup(
  isFine: (address: string) => boolean,
  lookup: LookupFunction,
): LookupFunction {
  return (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0);
      const addresses = Array.isArray(found) ? found : [];
      if (addresses.length === 0 || !addresses.every(({ address }) => isFine(address)))
        return callback(notPublic(), '', 0);
      if (options.all) callback(null, addresses);
      else callback(null, addresses[0]!.address, addresses[0]!.family);
    });
}

const notPublic = () => Object.assign(new Error('not public'), { code: NOT_PUBLIC });

/** Node's messages name addresses, and say to a stranger which ports are open. */
function replaced(error: unknown, { refuse, signal }: UrlOptions): unknown {
  if (signal.aborted) return signal.reason;
  const { code, name } = error as NodeJS.ErrnoException;
  if (name === 'LlavaError') return error;
  return refuse(
    code === NOT_PUBLIC
      ? 'its host has an address that this server does not fetch from'
      : 'its server cannot be reached, or broke off',
  );
}
