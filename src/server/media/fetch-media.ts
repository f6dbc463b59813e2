/**
 * A picture or clip that a stranger named, to bytes that may be handed to the library: by the server's rules, never by the
 * library's, which reads whatever path and URL its caller gives it. Size, time and format are checked while reading, pixels,
 * frames and seconds before decoding. No message names an address, a host or a path; none quotes a decoder.
 */
import { LlavaError } from '../../errors.js';
import { checkContent, checkFormat, HEAD_BYTES } from './check-content.js';
import { readDataUrl } from './data-url.js';
import { fetchUrl, type UrlOptions } from './fetch-url.js';
import { readMediaFile } from './media-file.js';
import type { MediaRules } from './media-rules.js';

export { type MediaRules, mediaRules } from './media-rules.js';

/**
 * @throws ERR_IMAGE_DECODE or ERR_VIDEO_DECODE with the reason, ERR_FFMPEG_NOT_FOUND for a clip; an abort rejects with
 *   `signal.reason`
 */
export async function fetchMedia(
  url: string,
  kind: 'image' | 'video',
  rules: MediaRules,
  signal: AbortSignal,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const code = kind === 'image' ? 'ERR_IMAGE_DECODE' : 'ERR_VIDEO_DECODE';
  const refuse = (reason: string) => new LlavaError(code, `Cannot use the ${kind}: ${reason}`);
  const ending = new AbortController();
  const onAbort = () => ending.abort(signal.reason);
  const tooLate = refuse(`fetching it took more than ${rules.timeoutMs / 1000} s`);
  const timer = setTimeout(() => ending.abort(tooLate), rules.timeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  const options = { kind, rules, refuse, signal: ending.signal };
  try {
    const bytes = await read(url, options);
    await checkContent(bytes, options);
    ending.signal.throwIfAborted();
    return bytes;
  } catch (error) {
    ending.signal.throwIfAborted();
    throw error instanceof LlavaError ? error : refuse('it cannot be read');
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Before any is fetched. @throws ERR_INVALID_ARGUMENT */
export function checkPartCount(parts: number, { maxParts }: Pick<MediaRules, 'maxParts'>): void {
  if (parts <= maxParts) return;
  throw new LlavaError(
    'ERR_INVALID_ARGUMENT',
    `Expected at most ${maxParts} pictures and clips in a request but received ${parts}`,
    { argument: 'messages', expected: `at most ${maxParts} pictures and clips`, received: parts },
  );
}

async function read(url: string, options: UrlOptions): Promise<Uint8Array> {
  const { kind, refuse, rules } = options;
  const { maxBytes, mediaDir } = rules;
  const scheme = /^[a-z][a-z\d+.-]*(?=:)/i.exec(url)?.[0].toLowerCase();
  switch (scheme) {
    case 'data':
      return readDataUrl(url, { kind, maxBytes, refuse });
    case 'file':
      return collect(readMediaFile(url, { mediaDir, maxBytes, refuse }), options);
    case 'http':
    case 'https':
      if (rules.allowUrls.length > 0) return collect(fetchUrl(url, options), options);
      throw refuse('this server fetches nothing over http; send a data: URL');
    default:
      throw refuse('expected a data:, http: or https: URL');
  }
}

/** Ends reading at the first byte too many, and once the format is known to be wrong. */
async function collect(chunks: AsyncIterable<Uint8Array>, options: UrlOptions) {
  const { rules, refuse, signal } = options;
  const pieces: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    const before = total;
    total += chunk.length;
    if (total > rules.maxBytes)
      throw refuse(`it has more than the ${rules.maxBytes} bytes allowed`);
    pieces.push(chunk);
    if (before < HEAD_BYTES && total >= HEAD_BYTES) checkFormat(Buffer.concat(pieces), options);
  }
  return Buffer.concat(pieces, total);
}
