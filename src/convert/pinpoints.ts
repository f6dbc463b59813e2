/**
 * `image_grid_pinpoints`: the canvas sizes that an image may be fitted to. Training scripts wrote a range in tiles,
 * "(1x1),...,(6x6)"; published configs list pixels. Both are (width, height), first component outermost.
 * @see LLaVA-NeXT llava/mm_utils.py process_anyres_image (commit df17966)
 */
import { parseJson } from '../option-checks.js';
import { type JsonFile, wrongField } from './json-file.js';

const FIELD = 'image_grid_pinpoints';
/** What vision-config.ts reads. */
const MAX_TILES_PER_SIDE = 16;

/** @param tileSize pixels. @returns [width, height] each, in the given order. @throws ERR_CHECKPOINT */
export function parsePinpoints(config: JsonFile, tileSize: number): [number, number][] {
  const value = config.fields[FIELD];
  const pairs = typeof value === 'string' ? parseText(value, tileSize) : value;
  const isSide = (side: unknown) =>
    Number.isSafeInteger(side) &&
    (side as number) > 0 &&
    (side as number) <= MAX_TILES_PER_SIDE * tileSize &&
    (side as number) % tileSize === 0;
  const isPair = (pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every(isSide);
  if (!Array.isArray(pairs) || pairs.length === 0 || !pairs.every(isPair))
    throw wrongField(
      config,
      FIELD,
      `a list of [width, height] in multiples of the tile size ${tileSize} (up to ${MAX_TILES_PER_SIDE}), or "(1x1),...,(6x6)",`,
    );
  return pairs as [number, number][];
}

function parseText(text: string, tileSize: number): unknown {
  const bounds = [...text.matchAll(/\((\d+)x(\d+)\)/g)];
  // A Python literal such as "[(384, 768), (768, 384)]".
  if (bounds.length === 0) return parseJson(text.replaceAll('(', '[').replaceAll(')', ']'));
  const [firstWidth, firstHeight] = sides(bounds[0]!);
  const [lastWidth, lastHeight] = sides(bounds.at(-1)!);
  if (Math.max(lastWidth, lastHeight) > MAX_TILES_PER_SIDE) return undefined;
  const pairs: [number, number][] = [];
  for (let width = firstWidth; width <= lastWidth; width++)
    for (let height = firstHeight; height <= lastHeight; height++)
      pairs.push([width * tileSize, height * tileSize]);
  return pairs;
}

function sides(match: RegExpMatchArray): [number, number] {
  return [Number(match[1]), Number(match[2])];
}
