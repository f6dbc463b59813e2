/**
 * From an image's size to its canvas: which grid of tiles it is fitted to, and where it lies there. Plain arithmetic in
 * doubles, the same operations in the same order as the reference, because a last bit decides about a row.
 * @see LLaVA-NeXT llava/mm_utils.py select_best_resolution, resize_and_pad_image (commit df17966)
 */

/** Pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Whole tiles. */
export interface Grid {
  cols: number;
  rows: number;
}

export interface Placement {
  resized: Size;
  /** Place of the resized image in its canvas; an odd remainder goes to the right or the bottom. */
  offset: { x: number; y: number };
}

/** The canvas that keeps most of the image's pixels, then the one that wastes least, then the first in the list. */
export function chooseCanvas(image: Size, canvases: readonly Size[]): Size {
  let best = canvases[0]!;
  let mostKept = 0;
  let leastWaste = Number.POSITIVE_INFINITY;
  for (const canvas of canvases) {
    const scale = Math.min(canvas.width / image.width, canvas.height / image.height);
    const scaledPixels = Math.trunc(image.width * scale) * Math.trunc(image.height * scale);
    const kept = Math.min(scaledPixels, image.width * image.height);
    const waste = canvas.width * canvas.height - kept;
    if (kept > mostKept || (kept === mostKept && waste < leastWaste)) {
      best = canvas;
      mostKept = kept;
      leastWaste = waste;
    }
  }
  return best;
}

/** The largest size of the image's proportions that fits, enlarging too, centred. */
export function fitInside(image: Size, canvas: Size): Placement {
  const scaleX = canvas.width / image.width;
  const scaleY = canvas.height / image.height;
  const resized =
    scaleX < scaleY
      ? { width: canvas.width, height: scaledUp(image.height * scaleX, canvas.height) }
      : { width: scaledUp(image.width * scaleY, canvas.width), height: canvas.height };
  return { resized, offset: centred(resized, canvas) };
}

export function centred(inner: Size, outer: Size): { x: number; y: number } {
  return {
    x: Math.floor((outer.width - inner.width) / 2),
    y: Math.floor((outer.height - inner.height) / 2),
  };
}

function scaledUp(length: number, limit: number): number {
  return Math.min(Math.ceil(length), limit);
}
