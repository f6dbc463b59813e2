/** Which URLs may be asked, and at which addresses: the entries of `allowUrls` as predicates. Asks nobody. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { invalidArgument } from '../../errors.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

export interface AllowedEntry {
  /** "https:"; undefined: both. */
  scheme: string | undefined;
  /** Lower case, without brackets; "*" is every one, "*.example.com" every one below. */
  host: string;
  /** Undefined: the scheme's own. */
  port: string | undefined;
  /** What it opens of addresses that are not public. */
  blocks: readonly [Address, number][];
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const GIVEN_OUT = ipaddr.IPv6.parse('2000::');
/** Scheme, host, port. */
const FORM = /^(?:(https?):\/\/)?(\[[^\]]+\]|[^:/\s?#@[\]]+)(?::(\d{1,5}))?\/?$/i;
const NAME = /^(?:\*|(?:\*\.)?[a-z\d_-]+(?:\.[a-z\d_-]+)*)$/;
const EXPECTED =
  "a host as in 'images.example.com', '*.example.com', 'https://host:8443', '10.0.0.7', '10.0.0.0/8' or '*', without a path";

/** @throws ERR_INVALID_ARGUMENT */
export function parseAllowed(entry: unknown): AllowedEntry {
  const text = typeof entry === 'string' ? entry : '';
  if (ipaddr.isValidCIDR(text) || isIP(text) !== 0) return addresses(text);
  const [, scheme, name, port] = FORM.exec(text) ?? [];
  const host = name?.toLowerCase().replace(/^\[|\]$/g, '') ?? '';
  if (isIP(host) === 0 && !NAME.test(host)) throw invalidArgument('allowUrls', EXPECTED, entry);
  const given = { scheme: scheme && `${scheme.toLowerCase()}:`, port };
  if (isIP(host) !== 0) return { ...addresses(host), ...given };
  return {
    host,
    blocks: host === 'localhost' ? LOOPBACK.map((one) => ipaddr.parseCIDR(one)) : [],
    ...given,
  };
}

function addresses(text: string): AllowedEntry {
  const block = text.includes('/') ? text : `${text}/${isIP(text) === 4 ? 32 : 128}`;
  return { scheme: undefined, host: text, port: undefined, blocks: [ipaddr.parseCIDR(block)] };
}

/** Whether a URL may be asked, by its scheme, host and port. */
export function isAllowedUrl(url: URL, allowed: readonly AllowedEntry[]): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return allowed.some(
    (entry) =>
      fitsPort(url, entry) &&
      (entry.blocks.length > 0 && isIP(host) !== 0
        ? isWithin(ipaddr.parse(host), entry)
        : fitsName(host, entry.host)),
  );
}

/** Whether a connection for `url` may go to an address: a public one, or one that an entry opens. */
export function isAllowedAddress(
  text: string,
  url: URL,
  allowed: readonly AllowedEntry[],
): boolean {
  if (isIP(text) === 0) return false;
  const address = ipaddr.parse(text);
  if (isPublic(address)) return true;
  return allowed.some((entry) => fitsPort(url, entry) && isWithin(address, entry));
}

/** Of IPv6 only what has been given out: old forms that hold an IPv4 address lie beside it. */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(GIVEN_OUT as never, 3);
}

function fitsPort(url: URL, { scheme, port }: AllowedEntry): boolean {
  if (scheme !== undefined && scheme !== url.protocol) return false;
  // The URL parser leaves out the scheme's own.
  return url.port === (port ?? '') || (url.port === '' && port === defaultPort(url));
}

const defaultPort = ({ protocol }: URL) => (protocol === 'https:' ? '443' : '80');

function fitsName(host: string, pattern: string): boolean {
  if (pattern === '*') return true;
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function isWithin(address: Address, { blocks }: AllowedEntry): boolean {
  return blocks.some(
    ([start, bits]) => start.kind() === address.kind() && address.match(start as never, bits),
  );
}
