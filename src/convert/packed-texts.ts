/** Texts as the addon takes long lists of them: UTF-8, a NUL behind each. */
import { invalidArgument } from '../errors.js';
import { inSlices } from '../in-slices.js';

/** @throws ERR_INVALID_ARGUMENT for a text with a NUL */
export async function packTexts(texts: readonly string[]): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let pending = '';
  await inSlices(texts, (text, i) => {
    if (text.includes('\0')) throw invalidArgument('texts', 'no NUL', text);
    pending += `${text}\0`;
    if (i % 512 !== 511 && i !== texts.length - 1) return;
    pieces.push(Buffer.from(pending));
    pending = '';
  });
  return new Uint8Array(Buffer.concat(pieces));
}
