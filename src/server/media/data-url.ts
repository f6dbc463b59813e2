/** The bytes of a data: URL, read strictly: what is no base64 is refused rather than skipped, and the size is known before. */
import type { LlavaError } from '../../errors.js';

export interface DataOptions {
  kind: 'image' | 'video';
  maxBytes: number;
  refuse: (reason: string) => LlavaError;
}

/** As long as any media type with its parameters. */
const MAX_HEAD = 200;

/** @throws what `refuse` makes */
export function readDataUrl(url: string, { kind, maxBytes, refuse }: DataOptions): Uint8Array {
  const comma = url.slice(0, MAX_HEAD).indexOf(',');
  if (comma < 0) throw refuse('the data: URL has no comma before its data');
  const head = url.slice('data:'.length, comma).toLowerCase();
  const [type = '', ...parameters] = head.split(';').map((part) => part.trim());
  if (!parameters.includes('base64')) throw refuse('the data: URL is not base64');
  if (type !== '' && type !== 'application/octet-stream' && !/^(?:image|video)\//.test(type))
    throw refuse(`the data: URL says that it is no ${kind}`);
  const rest = url.length - comma - 1;
  if (Math.floor(rest / 4) * 3 - 2 > maxBytes)
    throw refuse(`it has more than the ${maxBytes} bytes allowed`);
  const text = url.slice(comma + 1);
  const letters = /[\s%]/.test(text) ? plain(text) : text;
  const bytes = Buffer.from(letters, 'base64');
  // Node skips what is none.
  const nLetters = letters.length - (/={1,2}$/.exec(letters)?.[0].length ?? 0);
  if (nLetters % 4 === 1 || bytes.length !== Math.floor((nLetters * 3) / 4))
    throw refuse('the data: URL is not valid base64');
  return bytes;
}

/** MIME's line ends, and escapes of the three letters that URLs escape. */
function plain(text: string): string {
  const unescaped = text.replace(/%2b/gi, '+').replace(/%2f/gi, '/').replace(/%3d/gi, '=');
  return unescaped.replace(/\s+/g, '');
}
