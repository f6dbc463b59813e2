/**
 * The one opener of pictures and clips: a path, a URL or memory to bytes, with a short label for messages.
 * What may be read, and how much of it, is decided here and in download.ts, nowhere else. No label and no cause of an error
 * holds content, credentials or the query of a URL, which may carry a secret.
 */
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { LlavaError } from '../errors.js';
import { type DownloadOptions, download } from './download.js';
import { type MediaKind, type Refuse, refusal } from './media-kind.js';
import { isBase64, mediaType } from './sniff.js';

/** A string is a path, or an http(s):, file: or data: URL. */
export type MediaLocation = string | URL | Uint8Array;

export type SourceOptions = Omit<DownloadOptions, 'maxBytes'>;

export type OpenedSource = { label: string } & (
  | { from: 'memory'; bytes: Uint8Array }
  | { from: 'file'; path: string }
  /** Nothing is asked of the server before the first chunk is. */
  | { from: 'network'; chunks: AsyncIterable<Uint8Array> }
);

/** No system takes a longer path; what is longer is content. */
const MAX_PATH = 4096;
const MAX_LABEL = 120;

/** @throws `kind.code` with `source`, the label; an abort rejects with `signal.reason` */
export async function openSource(
  source: MediaLocation,
  kind: MediaKind,
  options: SourceOptions,
): Promise<OpenedSource> {
  options.signal?.throwIfAborted();
  if (source instanceof Uint8Array) return openMemory(source, `bytes (${source.length})`, kind);
  const text = String(source).trim();
  const scheme = source instanceof URL ? source.protocol.slice(0, -1) : schemeOf(text);
  if (scheme === undefined) return openPath(String(source), kind);
  const label = scheme === 'file' ? shorten(text) : labelOf(text);
  const refuse = refusal(label, kind);
  if (scheme === 'file') return openPath(pathOf(text, refuse), kind);
  if (scheme === 'data') return openMemory(dataOf(text, refuse), label, kind);
  if (scheme !== 'http' && scheme !== 'https')
    throw refuse('only http:, https:, file: and data: URLs are read');
  if (!URL.canParse(text)) throw refuse('it is not a valid URL');
  const limits = { ...options, maxBytes: kind.maxDownloadBytes };
  return { label, from: 'network', chunks: download(new URL(text), limits, refuse) };
}

/** Undefined for a path. */
function schemeOf(text: string): string | undefined {
  return /^(https?|data|file|[a-z][a-z\d+.-]+(?=:\/\/)):/i.exec(text)?.[1]?.toLowerCase();
}

function labelOf(url: string): string {
  if (/^data:/i.test(url))
    return url.includes(',') ? `${shorten(url.slice(0, url.indexOf(',')))},…` : 'data: URL';
  if (URL.canParse(url)) {
    const { protocol, host, pathname } = new URL(url);
    return shorten(`${protocol}//${host}${pathname}`);
  }
  return shorten(url.replace(/[?#].*$/s, '').replace(/\/\/.*@/s, '//'));
}

function shorten(label: string): string {
  return label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL)}…` : label;
}

function openMemory(bytes: Uint8Array, label: string, kind: MediaKind): OpenedSource {
  if (bytes.length > 0) return { label, from: 'memory', bytes };
  throw refusal(label, kind)(isDetached(bytes) ? 'its memory was transferred away' : 'it is empty');
}

function isDetached({ buffer }: Uint8Array): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

async function openPath(text: string, kind: MediaKind): Promise<OpenedSource> {
  if (text.length > MAX_PATH) throw notAPath(text, kind);
  const found = await stat(text).then(
    (info) => ({ path: text, info }),
    async (cause: NodeJS.ErrnoException) => {
      const path = text.trim(); // pasted with a line feed, perhaps
      const info = path === text ? undefined : await stat(path).catch(() => undefined);
      if (info) return { path, info };
      const isAbsent = cause.code === 'ENOENT' || cause.code === 'ENAMETOOLONG';
      if (isAbsent) throw notAPath(path, kind);
      throw refusal(shorten(text), kind)(cause.message, cause);
    },
  );
  const { path, info } = found;
  const refuse = refusal(shorten(path), kind);
  // A pipe or a device has no size and may never end.
  if (!info.isFile()) throw refuse('it is not a regular file');
  if (info.size === 0) throw refuse('it is empty');
  if (info.size > kind.maxFileBytes)
    throw refuse(`it has ${info.size} bytes, more than the ${kind.maxFileBytes} allowed`);
  return { label: shorten(path), from: 'file', path };
}

/** Of `--image=~/a.jpg`. */
const TILDE = 'a shell makes a folder of ~ only where it begins a word, outside of quotes';

/** A whole file's base64 is a frequent one. */
function notAPath(text: string, kind: MediaKind): LlavaError {
  if (isBase64(text)) {
    const type = mediaType(Buffer.from(text.slice(0, 100), 'base64'));
    const prefix = `data:${type ?? (kind.noun === 'image' ? 'image/png' : 'video/mp4')};base64,`;
    const advice = `it looks like base64, not a path or URL; prefix \`${prefix}\``;
    return refusal(`text (${text.length} characters)`, kind)(advice);
  }
  const isShort = text.length <= MAX_LABEL;
  return refusal(
    isShort ? text : `${shorten(text)} (${text.length} characters)`,
    kind,
  )(text.startsWith('~') ? `no such file; ${TILDE}` : 'no such file');
}

function pathOf(url: string, refuse: Refuse): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw refuse('the file: URL is not a local path', cause);
  }
}

function dataOf(url: string, refuse: Refuse): Uint8Array {
  const comma = url.indexOf(',');
  if (comma < 0) throw refuse('there is no comma before the data');
  const body = url.slice(comma + 1);
  if (!/;\s*base64$/i.test(url.slice(0, comma))) return percentDecoded(body, refuse);
  // Also base64url, which Node's decoder takes as well.
  return Buffer.from(body.includes('%') ? String(percentDecoded(body, refuse)) : body, 'base64');
}

/** Percent escapes name bytes, so decodeURIComponent (which wants UTF-8) is of no use. */
function percentDecoded(body: string, refuse: Refuse): Buffer {
  if (/%(?![0-9a-f]{2})/i.test(body)) throw refuse('a percent escape is malformed');
  const binary = body.replace(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(binary, 'latin1');
}
