/** What bytes are by their first ones, for messages: which formats are read is decided elsewhere. */

interface Signature {
  name: string;
  mime: string;
  isIt(head: string): boolean;
}

const HEAD = 512;

/** Latin-1 bytes at `offset`. */
const at =
  (offset: number, ...magics: string[]) =>
  (head: string) =>
    magics.some((magic) => head.startsWith(magic, offset));
const text = (pattern: RegExp) => (head: string) => pattern.test(head);
/** A box of an ISO media file, the length before it unread. */
const brand = (...brands: string[]) => at(4, ...brands.map((name) => `ftyp${name}`));
const riff = (kind: string) => (head: string) => at(0, 'RIFF')(head) && at(8, kind)(head);

/** The first that matches counts. */
const SIGNATURES: readonly Signature[] = [
  { name: 'PNG', mime: 'image/png', isIt: at(0, '\x89PNG\r\n\x1a\n') },
  { name: 'JPEG', mime: 'image/jpeg', isIt: at(0, '\xff\xd8\xff') },
  { name: 'GIF', mime: 'image/gif', isIt: at(0, 'GIF87a', 'GIF89a') },
  { name: 'WebP', mime: 'image/webp', isIt: riff('WEBP') },
  { name: 'BMP', mime: 'image/bmp', isIt: at(0, 'BM') },
  { name: 'TIFF', mime: 'image/tiff', isIt: at(0, 'II*\0', 'MM\0*', 'II+\0', 'MM\0+') },
  { name: 'AVIF', mime: 'image/avif', isIt: brand('avif', 'avis') },
  { name: 'HEIC', mime: 'image/heic', isIt: brand('hei', 'hev') },
  { name: 'HEIF', mime: 'image/heif', isIt: brand('mif1', 'msf1') },
  { name: 'JPEG XL', mime: 'image/jxl', isIt: at(0, '\xff\x0a', '\0\0\0\x0cJXL ') },
  { name: 'JPEG 2000', mime: 'image/jp2', isIt: at(0, '\0\0\0\x0cjP  ', '\xff\x4f\xff\x51') },
  { name: 'Photoshop', mime: 'image/vnd.adobe.photoshop', isIt: at(0, '8BPS') },
  { name: 'ICO', mime: 'image/x-icon', isIt: at(0, '\0\0\x01\0', '\0\0\x02\0') },
  { name: 'QuickTime', mime: 'video/quicktime', isIt: brand('qt  ') },
  { name: 'MP4', mime: 'video/mp4', isIt: at(4, 'ftyp', 'moov', 'mdat') },
  { name: 'WebM or Matroska', mime: 'video/webm', isIt: at(0, '\x1a\x45\xdf\xa3') },
  { name: 'AVI', mime: 'video/x-msvideo', isIt: riff('AVI ') },
  { name: 'FLV', mime: 'video/x-flv', isIt: at(0, 'FLV\x01') },
  { name: 'WMV', mime: 'video/x-ms-wmv', isIt: at(0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11') },
  { name: 'Ogg', mime: 'video/ogg', isIt: at(0, 'OggS\0') },
  { name: 'MPEG', mime: 'video/mpeg', isIt: at(0, '\0\0\x01\xba', '\0\0\x01\xb3') },
  { name: 'MPEG-TS', mime: 'video/mp2t', isIt: (head) => at(0, 'G')(head) && at(188, 'G')(head) },
  { name: 'PDF', mime: 'application/pdf', isIt: at(0, '%PDF-') },
  { name: 'ZIP', mime: 'application/zip', isIt: at(0, 'PK\x03\x04') },
  { name: 'gzip', mime: 'application/gzip', isIt: at(0, '\x1f\x8b') },
  {
    name: 'a Git LFS pointer in place of the file',
    mime: 'text/plain',
    isIt: at(0, 'version https://git-lfs'),
  },
  { name: 'SVG', mime: 'image/svg+xml', isIt: text(/^\s*(<[?!][^>]*>\s*)*<svg\b/i) },
  { name: 'HTML', mime: 'text/html', isIt: text(/^\s*<(!doctype html|html|head|body)\b/i) },
  { name: 'XML', mime: 'application/xml', isIt: text(/^\s*<\?xml/) },
  { name: 'JSON', mime: 'application/json', isIt: text(/^\s*[[{]\s*["\d[{\]}]/) },
  { name: 'text', mime: 'text/plain', isIt: text(/^[\t\n\r -~]+$/) },
];

function find(bytes: Uint8Array): Signature | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD));
  const characters = head.toString('latin1').replace(/^\xef\xbb\xbf/, '');
  return SIGNATURES.find(({ isIt }) => isIt(characters));
}

/** "PNG", "HTML", …; undefined for bytes that nobody knows. */
export function formatName(bytes: Uint8Array): string | undefined {
  return find(bytes)?.name;
}

/** The type of a picture or clip: "image/png". */
export function mediaType(bytes: Uint8Array): string | undefined {
  const mime = find(bytes)?.mime;
  return mime && /^(?:image|video)\//.test(mime) ? mime : undefined;
}

/** Letters of the smallest picture's base64. */
const SMALLEST = 80;

/** Whether text is base64 or base64url of a picture or clip, or too long to be a path of such letters. */
export function isBase64(given: string): boolean {
  const letters = given.replace(/\s/g, '');
  if (letters.length < SMALLEST || !/^[\w+/-]+={0,2}$/.test(letters)) return false;
  return (
    letters.length > 1024 || mediaType(Buffer.from(letters.slice(0, 100), 'base64')) !== undefined
  );
}
