/**
 * Which way up a picture is, from all the places where Pillow looks: its EXIF, EXIF as text in a PNG (as ImageMagick and
 * older phones write it), XMP.
 */
import type { Metadata, Sharp } from 'sharp';

/** EXIF's 1 to 8; 1 is upright. @see Pillow Image.getexif */
export function orientationOf(metadata: Metadata): number {
  const found = metadata.orientation ?? fromPngText(metadata) ?? fromXmp(metadata) ?? 1;
  return found >= 1 && found <= 8 ? found : 1;
}

/** Width and height change places. */
export function isTurned(orientation: number): boolean {
  return orientation >= 5;
}

/** sharp mirrors first and then turns. */
export function turnUpright(picture: Sharp, orientation: number): Sharp {
  if ([4, 5].includes(orientation)) picture.flip();
  if ([2, 7].includes(orientation)) picture.flop();
  const degrees = orientation === 3 ? 180 : { 5: 90, 6: 90, 7: 90, 8: 270 }[orientation];
  return degrees === undefined ? picture : picture.rotate(degrees);
}

/** "\nexif\n<length>\n<hexadecimal>" */
function fromPngText({ comments = [] }: Metadata): number | undefined {
  const profile = comments.find(({ keyword }) => keyword === 'Raw profile type exif');
  if (!profile) return undefined;
  const hex = profile.text.split('\n').slice(3).join('');
  return fromExif(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
}

const ORIENTATION = 0x0112;

/** The first directory of a TIFF, behind "Exif\0\0". */
function fromExif(bytes: Buffer): number | undefined {
  const tiff = bytes.subarray(bytes.toString('latin1', 0, 4) === 'Exif' ? 6 : 0);
  const isLittle = tiff.toString('latin1', 0, 2) === 'II';
  const short = (at: number) => (isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  try {
    const directory = isLittle ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
    const nEntries = short(directory);
    for (let at = directory + 2; at < directory + 2 + nEntries * 12; at += 12)
      if (short(at) === ORIENTATION) return short(at + 8);
  } catch {} // cut off: it says nothing
  return undefined;
}

function fromXmp({ xmp }: Metadata): number | undefined {
  const [, digit] = /tiff:Orientation(?:="|>)([0-9])/.exec(xmp?.toString('latin1') ?? '') ?? [];
  return digit === undefined ? undefined : Number(digit);
}
