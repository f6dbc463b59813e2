/** Little-endian TIFF files with the directory first, where a writer of streams puts it: what is cut off is pixels. */

const SHORT = 3;
const LONG = 4;

export interface TiffImage {
  width: number;
  height: number;
  /** Of a channel. */
  bits: number;
  channels: number;
  /** 1 grey, 2 RGB, 5 CMYK. */
  photometric: number;
  /** Side of a square tile; one strip when absent. */
  tile?: number;
  /** 1 unsigned, 2 signed, 3 float. */
  sampleFormat?: number;
  /** Leaves the lengths of the parts out, which readers complain about. */
  lacksLengths?: boolean;
  /** Each strip or tile. */
  parts: readonly Uint8Array[];
}

type Field = [tag: number, type: number, values: number[]];

export function tiff({ parts, tile, lacksLengths = false, ...image }: TiffImage): Buffer {
  const places: Field = [tile ? 324 : 273, LONG, parts.map(() => 0)];
  const lengths: Field = [tile ? 325 : 279, LONG, parts.map(({ length }) => length)];
  const fields: Field[] = [
    ...describe(image),
    places,
    ...(lacksLengths ? [] : [lengths]),
    ...(tile
      ? ([322, 323].map((tag) => [tag, SHORT, [tile]]) as Field[])
      : ([[278, SHORT, [image.height]]] as Field[])),
  ];
  fields.sort(([a], [b]) => a - b);
  let end = 8 + 2 + fields.length * 12 + 4;
  const outside = fields.map(([, type, values]) => {
    const length = values.length * (type === SHORT ? 2 : 4);
    if (length <= 4) return undefined;
    end += length;
    return end - length;
  });
  places[2] = parts.map(({ length }) => {
    end += length;
    return end - length;
  });
  return Buffer.concat([write(fields, outside, places[2][0]!), ...parts]);
}

function describe({
  width,
  height,
  bits,
  channels,
  photometric,
  sampleFormat = 1,
}: Omit<TiffImage, 'parts' | 'tile' | 'lacksLengths'>): Field[] {
  return [
    [256, SHORT, [width]],
    [257, SHORT, [height]],
    [258, SHORT, Array(channels).fill(bits)],
    [259, SHORT, [1]],
    [262, SHORT, [photometric]],
    [277, SHORT, [channels]],
    [339, SHORT, Array(channels).fill(sampleFormat)],
  ];
}

function write(fields: Field[], outside: (number | undefined)[], length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(8, 4);
  bytes.writeUInt16LE(fields.length, 8);
  fields.forEach(([tag, type, values], i) => {
    const at = 10 + i * 12;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeUInt32LE(values.length, at + 4);
    const place = outside[i];
    if (place !== undefined) bytes.writeUInt32LE(place, at + 8);
    values.forEach((value, k) => {
      if (type === SHORT) bytes.writeUInt16LE(value, (place ?? at + 8) + k * 2);
      else bytes.writeUInt32LE(value, (place ?? at + 8) + k * 4);
    });
  });
  return bytes;
}
