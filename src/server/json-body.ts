/**
 * A request's body: read while its bytes are counted, refused where it nests too deep or holds too many values, both seen before
 * anything is parsed. `__proto__` is an ordinary name: JSON.parse makes it one, and nobody merges what came with anything.
 */
import type { FastifyRequest } from 'fastify';
import { badRequest } from './api-error.js';

const MAX_DEPTH = 100;
const MAX_VALUES = 200_000;

/** @param addBytes of those beyond what the headers promised @throws 400 */
export async function readJsonBody(
  payload: AsyncIterable<Buffer>,
  { maxBytes, promised, addBytes }: BodyLimits,
): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of payload) {
    const beyond = Math.max(0, length + chunk.length - Math.max(promised, length));
    if (beyond > 0) addBytes(beyond);
    length += chunk.length;
    if (length > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  if (length === 0) throw badRequest(null, 'The body is empty; a JSON object is expected.');
  const bytes = Buffer.concat(chunks, length);
  checkShape(bytes);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw badRequest(null, 'The body is not JSON.', 'bad_json');
  }
}

export interface BodyLimits {
  maxBytes: number;
  promised: number;
  addBytes: (bytes: number) => void;
}

export function tooLarge(): Error {
  return Object.assign(new Error('too large'), {
    ...{ code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 },
  });
}

/** What the header says; 0 for a body that comes in chunks. */
export function promisedBytes(request: FastifyRequest): number {
  return Number(request.headers['content-length'] ?? 0) || 0;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x5b, 0x7b]); // [ {
const CLOSE = new Set([0x5d, 0x7d]);
const COMMA = 0x2c;

/** Long texts are skipped, so that it costs little for pictures. @throws 400 */
export function checkShape(json: Uint8Array): void {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.length);
  let depth = 0;
  let values = 1;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === QUOTE) {
      i = endOfText(bytes, i);
      continue;
    }
    if (OPEN.has(byte)) depth++;
    else if (CLOSE.has(byte)) depth--;
    if (OPEN.has(byte) || byte === COMMA) values++;
    if (depth > MAX_DEPTH)
      throw badRequest(null, `The body nests deeper than ${MAX_DEPTH} levels.`, 'too_deep');
    if (values > MAX_VALUES)
      throw badRequest(null, `The body holds more than ${MAX_VALUES} values.`, 'too_many_values');
  }
}

/** The place of the quote that ends the text beginning at `start`. */
function endOfText(bytes: Buffer, start: number): number {
  for (let from = start + 1; ; ) {
    const end = bytes.indexOf(QUOTE, from);
    if (end < 0) return bytes.length;
    let escapes = 0;
    while (bytes[end - 1 - escapes] === BACKSLASH && end - 1 - escapes > start) escapes++;
    if (escapes % 2 === 0) return end;
    from = end + 1;
  }
}
