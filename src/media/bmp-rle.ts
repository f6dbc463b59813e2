/** Run-length encoded BMP pixels to one colour index a byte, rows in the order of the file. Pixels that are skipped are 0. */

interface RleSize {
  width: number;
  height: number;
  /** Two pixels a byte. */
  isRle4: boolean;
}

/** @returns [height, width] @throws where the data end before the picture does */
export function decodeRle(data: Uint8Array, { width, height, isRle4 }: RleSize): Uint8Array {
  const out = new Uint8Array(width * height);
  let x = 0;
  let y = 0;
  for (let at = 0; y < height; ) {
    if (at + 1 >= data.length) {
      if (y === height - 1 && x >= width) return out; // the end mark alone is missing
      throw new Error('the BMP is cut off');
    }
    const count = data[at++]!;
    const value = data[at++]!;
    if (count > 0) {
      putRun(row(out, y, width), {
        x,
        count,
        high: isRle4 ? value >> 4 : value,
        low: isRle4 ? value & 15 : value,
      });
      x += count;
    } else if (value === 0) {
      x = 0;
      y++;
    } else if (value === 1) return out;
    else if (value === 2) {
      x += data[at++] ?? 0;
      y += data[at++] ?? 0;
    } else {
      const nBytes = isRle4 ? (value + 1) >> 1 : value;
      const pixels = data.subarray(at, at + nBytes);
      putPixels(row(out, y, width), pixels, { x, count: value, isRle4 });
      x += value;
      at += nBytes + (nBytes & 1); // to a word's boundary
    }
  }
  return out;
}

function row(out: Uint8Array, y: number, width: number): Uint8Array {
  return out.subarray(y * width, (y + 1) * width);
}

/** What does not fit into the row is cut off. */
function putRun(
  row: Uint8Array,
  { x, count, high, low }: { x: number; count: number; high: number; low: number },
): void {
  if (high === low) row.fill(high, x, x + count);
  else for (let i = 0; i < count; i++) row[x + i] = i & 1 ? low : high;
}

function putPixels(
  row: Uint8Array,
  pixels: Uint8Array,
  { x, count, isRle4 }: { x: number; count: number; isRle4: boolean },
): void {
  for (let i = 0; i < count && x + i < row.length; i++)
    row[x + i] = isRle4 ? (pixels[i >> 1]! >> (i & 1 ? 0 : 4)) & 15 : pixels[i]!;
}
