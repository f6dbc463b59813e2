/** A picture as the model sees it: tiles over it, padding, what is kept of it, the overview beside it. */
import { pictureUrl } from '../../media/drawing.js';
import type { Size } from '../../vision/grid.js';
import type { ImagePlan, TileGeometry } from '../../vision/image-plan.js';
import type { Box } from '../media-geometry.js';
import type { PlannedImage } from '../planned-media.js';
import { type Drawn, HATCHED, picture, rect, text } from './svg.js';

const BOX = { width: 560, height: 420 };
const GAP = 24;
const LINE = 18;
const TILE_LINE = { fill: 'none', stroke: '#ff2d78', 'stroke-width': 1.5 };
const KEPT_LINE = { fill: 'none', stroke: '#00b8d9', 'stroke-width': 2, 'stroke-dasharray': '6 4' };
/** What the vision tower sees beside the picture. */
const BLACK = '#000';
const GREY = '#7f7f7f';

type Geometry = Pick<TileGeometry, 'imageSize' | 'side'>;

/** @throws ERR_IMAGE_DECODE */
export async function drawImage({ image, plan }: PlannedImage, geometry: Geometry): Promise<Drawn> {
  const url = await pictureUrl(await image.decode(), { width: 1120, height: 840 });
  const { canvas } = plan;
  const scale = Math.min(BOX.width / canvas.width, BOX.height / canvas.height);
  const lines = describe(image, plan, geometry);
  const width = canvas.width * scale;
  const height = canvas.height * scale;
  const side = plan.kind === 'anyres' ? geometry.imageSize * scale : 0;
  const overview = { x: width + GAP, y: 0, width: side, height: side };
  const drawn = [
    rect({ x: 0, y: 0, width, height }, { fill: plan.kind === 'anyres' ? BLACK : GREY }),
    rect({ x: 0, y: 0, width, height }, HATCHED),
    picture(scaled({ ...plan.offset, ...plan.resized }, scale), url),
    ...tiles(plan, (plan.grid ? geometry.imageSize : canvas.width) * scale),
    ...kept(plan, (geometry.imageSize / geometry.side) * scale),
    ...(side > 0 ? [picture(overview, url), rect(overview, TILE_LINE)] : []),
    ...(side > 0 ? [text(overview.x, side + LINE, 'overview')] : []),
    ...lines.map((line, i) => text(0, Math.max(height, side + LINE) + (i + 1) * LINE, line)),
  ];
  return {
    svg: drawn.join(''),
    width: Math.max(width + (side > 0 ? GAP + side : 0), BOX.width),
    height: Math.max(height, side + LINE) + lines.length * LINE,
  };
}

/** The grid, row by row, numbered as they come behind the overview; or the one square. @param side of a tile */
function tiles(plan: ImagePlan, side: number): string[] {
  const { cols, rows } = plan.grid ?? { cols: 1, rows: 1 };
  return Array.from({ length: cols * rows }, (_, i) => {
    const box = { x: (i % cols) * side, y: Math.floor(i / cols) * side, width: side, height: side };
    const label = { fill: '#fff', stroke: '#000', 'stroke-width': 3, 'paint-order': 'stroke' };
    const number = plan.grid ? text(box.x + 6, box.y + LINE, String(i + 1), label) : '';
    return rect(box, TILE_LINE) + number;
  });
}

/** Where features are used: the padding's are cropped away. @param patch its side */
function kept({ map }: ImagePlan, patch: number): string[] {
  if (!map) return [];
  const { cropTop: y, cropLeft: x, cropCols: width, cropRows: height } = map;
  return [rect(scaled({ x, y, width, height }, patch), KEPT_LINE)];
}

function describe(image: Size, plan: ImagePlan, { imageSize, side }: Geometry): string[] {
  const own = `${image.width}×${image.height} pixels`;
  if (plan.kind === 'pad')
    return [
      `${own}, on a grey square of ${plan.canvas.width}, as one tile of ${imageSize}`,
      `${plan.rows} rows: ${side}×${side} patches${plan.rows > side ** 2 ? ' and a newline' : ''}`,
    ];
  const { cols, rows } = plan.grid!;
  const { unpadded, final } = plan;
  const shrunk = final.rows === unpadded.rows && final.cols === unpadded.cols ? '' : ', shrunk';
  return [
    `${own}, as ${plan.resized.width}×${plan.resized.height} on ${cols}×${rows} tiles of ${imageSize}`,
    `without padding (dashed): ${unpadded.cols}×${unpadded.rows} patches${shrunk && `${shrunk} to ${final.cols}×${final.rows}`}`,
    `${plan.rows} rows: overview ${side}×${side}, then ${final.rows} lines of ${final.cols} and a newline`,
  ];
}

function scaled({ x, y, width, height }: Box, by: number): Box {
  return { x: x * by, y: y * by, width: width * by, height: height * by };
}
