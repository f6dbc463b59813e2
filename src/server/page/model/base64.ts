/** Blobs to base64 and back, a slice at a time so that the page stays alive while it takes a long clip. */

/** Of three bytes or four letters, so that slices can be joined; small enough to be made between two frames. */
const SLICE = 3 * 2 ** 17;
const SLICE_LETTERS = 4 * 2 ** 17;
/** Arguments of one call. */
const AT_ONCE = 2 ** 13;

/** Its text, as a blob again: as one text it could be longer than texts may be. */
export async function toBase64(blob: Blob): Promise<Blob> {
  const texts: string[] = [];
  for (let at = 0; at < blob.size; at += SLICE)
    texts.push(encoded(new Uint8Array(await blob.slice(at, at + SLICE).arrayBuffer())));
  return new Blob(texts);
}

export async function toDataUrl(blob: Blob, type: string): Promise<Blob> {
  return new Blob([`data:${type};base64,`, await toBase64(blob)]);
}

/** What younger browsers do by themselves, thirty times as fast. */
type Native = Uint8Array & { toBase64?: () => string };

function encoded(bytes: Native): string {
  if (bytes.toBase64) return bytes.toBase64();
  let text = '';
  for (let at = 0; at < bytes.length; at += AT_ONCE)
    text += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  return btoa(text);
}

/** Undefined for what is not base64. */
export async function fromBase64(text: string): Promise<Uint8Array<ArrayBuffer>[] | undefined> {
  const slices: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < text.length; at += SLICE_LETTERS) {
    const letters = text.slice(at, at + SLICE_LETTERS);
    const isLast = at + SLICE_LETTERS >= text.length;
    if (!(isLast ? /^[\w+/]*={0,2}$/ : /^[\w+/]*$/).test(letters) || letters.length % 4 !== 0)
      return undefined;
    try {
      slices.push(decoded(atob(letters)));
    } catch {
      return undefined;
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  return slices;
}

function decoded(letters: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}
