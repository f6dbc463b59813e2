/**
 * The bytes of an encoded picture, from a path, a URL or memory, with a short label for error messages.
 * A label never holds content, nor the query of a URL, which may carry a secret.
 */
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { LlavaError } from '../errors.js';

export interface EncodedImage {
  bytes: Uint8Array;
  label: string;
}

const MAX_FILE_BYTES = 2 ** 30;
const MAX_DOWNLOAD_BYTES = 2 ** 28;
const MAX_LABEL = 120;

/** @throws ERR_IMAGE_DECODE; an abort while downloading or reading rejects with `signal.reason` */
export async function readImageBytes(
  source: string | URL | Uint8Array,
  signal?: AbortSignal,
): Promise<EncodedImage> {
  const encoded = await read(source, signal);
  if (encoded.bytes.length === 0) throw unreadable(encoded.label, 'it is empty');
  return encoded;
}

async function read(
  source: string | URL | Uint8Array,
  signal?: AbortSignal,
): Promise<EncodedImage> {
  if (source instanceof Uint8Array) return { bytes: source, label: `bytes (${source.length})` };
  const text = String(source);
  switch (/^(https?|data|file):/i.exec(text)?.[1]?.toLowerCase()) {
    case 'http':
    case 'https':
      return download(text, signal);
    case 'data':
      return readDataUrl(text);
    case 'file':
      return readPath(filePath(text), signal);
  }
  if (source instanceof URL)
    throw unreadable(shorten(source.protocol), 'only http:, https:, file: and data: URLs are read');
  return readPath(text, signal);
}

function filePath(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw unreadable(shorten(url), 'the file: URL is not a local path', cause);
  }
}

async function readPath(path: string, signal?: AbortSignal): Promise<EncodedImage> {
  const label = shorten(path);
  try {
    const info = await stat(path);
    // A pipe or a device has no size and may never end.
    if (!info.isFile()) throw unreadable(label, 'it is not a regular file');
    if (info.size > MAX_FILE_BYTES)
      throw unreadable(label, `it has ${info.size} bytes, more than the ${MAX_FILE_BYTES} allowed`);
    return { bytes: await readFile(path, { signal }), label };
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof LlavaError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw unreadable(label, missing ? 'no such file' : (cause as Error).message, cause);
  }
}

function readDataUrl(url: string): EncodedImage {
  const comma = url.indexOf(',');
  if (comma < 0) throw unreadable('data: URL', 'there is no comma before the data');
  const head = url.slice(0, comma);
  const label = shorten(`${head},…`);
  const body = url.slice(comma + 1);
  if (!/;\s*base64$/i.test(head)) return { bytes: percentDecoded(body, label), label };
  const base64 = body.includes('%') ? String(percentDecoded(body, label)) : body;
  return { bytes: Buffer.from(base64, 'base64'), label };
}

/** Percent escapes name bytes, so decodeURIComponent (which wants UTF-8) is of no use. */
function percentDecoded(body: string, label: string): Buffer {
  if (/%(?![0-9a-f]{2})/i.test(body)) throw unreadable(label, 'a percent escape is malformed');
  const binary = body.replace(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(binary, 'latin1');
}

async function download(address: string, signal?: AbortSignal): Promise<EncodedImage> {
  const label = urlLabel(address);
  try {
    const response = await fetch(address, { signal: signal ?? null });
    if (!response.ok) {
      await response.body?.cancel();
      throw unreadable(label, `the server answered ${response.status} ${response.statusText}`);
    }
    return { bytes: await limitedBody(response, label), label };
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof LlavaError) throw cause;
    const reason = (cause as Error).cause ?? cause;
    throw unreadable(label, `the download failed: ${(reason as Error).message}`, cause);
  }
}

/** Counts what arrives, because the announced length may be absent or wrong. */
async function limitedBody(response: Response, label: string): Promise<Uint8Array> {
  const tooLong = () =>
    unreadable(label, `it has more than the ${MAX_DOWNLOAD_BYTES} bytes allowed`);
  if (Number(response.headers.get('content-length')) > MAX_DOWNLOAD_BYTES) {
    await response.body?.cancel();
    throw tooLong();
  }
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    total += chunk.length;
    if (total > MAX_DOWNLOAD_BYTES) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function urlLabel(address: string): string {
  if (!URL.canParse(address)) return shorten(address);
  const { origin, pathname } = new URL(address);
  return shorten(origin + pathname);
}

function shorten(label: string): string {
  return label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL)}…` : label;
}

function unreadable(source: string, reason: string, cause?: unknown): LlavaError {
  return new LlavaError(
    'ERR_IMAGE_DECODE',
    `Cannot read image ${source}: ${reason}`,
    { source },
    { cause },
  );
}
