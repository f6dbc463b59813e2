/** Blobs to base64 and back, a slice at a time so that the page stays alive while it takes a long clip. */

/** Of three, so that the slices' texts can be joined; small enough to be made between two frames. */
const SLICE = 3 * 2 ** 17;
/** Arguments of one call. */
const AT_ONCE = 2 ** 13;

export async function toBase64(blob: Blob): Promise<string> {
  const texts: string[] = [];
  for (let at = 0; at < blob.size; at += SLICE)
    texts.push(encoded(new Uint8Array(await blob.slice(at, at + SLICE).arrayBuffer())));
  return texts.join('');
}

export async function toDataUrl(blob: Blob, type: string): Promise<string> {
  return `data:${type};base64,${await toBase64(blob)}`;
}

function encoded(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += AT_ONCE)
    text += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  return btoa(text);
}
