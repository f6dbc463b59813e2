/** A small picture for terminals: two pixels per character, the upper one as the colour of a half block. */
import type { OpenedImage } from '../../media/image.js';
import { thumbnail } from '../../media/thumbnail.js';

const MAX_COLS = 40;
const MAX_ROWS = 14;
const RESET = '\x1b[0m';

interface Screen {
  isTTY?: boolean;
  columns?: number;
  getColorDepth?(): number;
}

/** No lines where the terminal has less than true colour. @throws ERR_IMAGE_DECODE */
export async function previewLines(image: OpenedImage, screen: Screen): Promise<string[]> {
  if (!screen.isTTY || (screen.getColorDepth?.() ?? 1) < 24) return [];
  // Some terminals say that they have none.
  const cols = Math.min(MAX_COLS, (screen.columns || 80) - 1);
  const { width, height, data } = await thumbnail(await image.decode(), {
    width: cols,
    height: 2 * MAX_ROWS,
  });
  const pixel = (x: number, y: number) => [...data.subarray((y * width + x) * 3).slice(0, 3)];
  return Array.from({ length: Math.ceil(height / 2) }, (_, row) => {
    const cells = Array.from({ length: width }, (_, x) => {
      const upper = `\x1b[38;2;${pixel(x, 2 * row).join(';')}m`;
      const hasLower = 2 * row + 1 < height;
      const lower = hasLower ? `\x1b[48;2;${pixel(x, 2 * row + 1).join(';')}m` : '\x1b[49m';
      return `${upper}${lower}▀`;
    });
    return cells.join('') + RESET;
  });
}
