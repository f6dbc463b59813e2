/** `--show-tiles`: a drawing of what the model will see, as SVG or PNG by the file's name. */
import { InvalidArgumentError } from 'commander';
import { writeWhole } from '../../files/whole-file.js';
import type { LlavaOneVision, Message, RenderOptions } from '../../index.js';
import { svgToPng } from '../../media/drawing.js';
import { tell } from '../shared/progress.js';

export function parseDrawing(file: string): string {
  if (/\.(png|svg)$/i.test(file)) return file;
  throw new InvalidArgumentError('Expected a name that ends with .png or .svg.');
}

/** @throws ERR_WRITE, and what `render` does */
export async function showTiles(
  file: string,
  model: LlavaOneVision,
  { messages, options }: { messages: readonly Message[]; options: RenderOptions },
): Promise<void> {
  const svg = await (await model.render(messages, options)).toSvg();
  await writeWhole(file, /\.png$/i.test(file) ? await svgToPng(svg) : svg);
  tell(`What the model sees: ${file}`);
}
