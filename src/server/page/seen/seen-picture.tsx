/** A picture as it lies on the canvas that the tiles cover: tiles numbered in the order they are read, padding hatched, overview. */
import { useId } from 'preact/hooks';
import type { Box, Media, SeenImage, Size } from '../model/types.js';
import { useMediaUrl } from '../ui/media-thumb.js';
import { words } from '../words/words.js';
import { Caption } from './caption.js';

export function SeenPicture({ media, seen }: { media: Media; seen: SeenImage }) {
  const url = useMediaUrl(media.id, true);
  const { cols, rows } = seen.grid;
  const isGrid = cols * rows > 1;
  return (
    <figure class="seen-picture">
      <div class="seen-drawings">
        {seen.canvas.width > 0 && <Canvas media={media} seen={seen} url={url} />}
        {isGrid && seen.hasOverview && url && <Overview url={url} seen={seen} />}
      </div>
      <Facts media={media} seen={seen} />
    </figure>
  );
}

function Canvas({ media, seen, url }: { media: Media; seen: SeenImage; url?: string | null }) {
  const hatch = useId();
  const { canvas, picture, grid } = seen;
  const longest = Math.max(canvas.width, canvas.height);
  // Of numbers and hatching: neither larger than a small tile bears nor smaller than can be read.
  const unit = Math.min(longest / 100, canvas.width / grid.cols / 28);
  const tiles = Array.from({ length: grid.cols * grid.rows }, (_, index) => index);
  return (
    <svg
      class="seen-canvas"
      viewBox={`0 0 ${canvas.width} ${canvas.height}`}
      role="img"
      aria-label={words().tileDrawing(media.name, grid.cols, grid.rows)}
    >
      <defs>
        <pattern
          id={hatch}
          width={unit * 2}
          height={unit * 2}
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect class="seen-pad" width={unit * 2} height={unit * 2} />
          <path class="seen-hatch" d={`M0 0V${unit * 2}`} stroke-width={unit} />
        </pattern>
      </defs>
      <rect width={canvas.width} height={canvas.height} fill={`url(#${hatch})`} />
      {url && <image href={url} {...picture} preserveAspectRatio="none" />}
      {tiles.map((index) => (
        <Tile
          key={index}
          number={index + 1}
          box={boxOf(index, seen)}
          isNumbered={tiles.length > 1}
          unit={unit}
        />
      ))}
      {seen.kept && isPart(seen.kept, canvas) && <rect class="seen-kept" {...seen.kept} />}
    </svg>
  );
}

const isPart = (box: Box, whole: Size): boolean =>
  box.width < whole.width || box.height < whole.height;

function boxOf(index: number, { canvas, grid }: SeenImage): Box {
  const width = canvas.width / grid.cols;
  const height = canvas.height / grid.rows;
  return {
    x: (index % grid.cols) * width,
    y: Math.floor(index / grid.cols) * height,
    width,
    height,
  };
}

interface TileProps {
  number: number;
  box: Box;
  isNumbered: boolean;
  unit: number;
}

function Tile({ number, box, isNumbered, unit }: TileProps) {
  const size = unit * 4;
  return (
    <g class="seen-tile">
      <rect class="seen-edge-under" {...box} />
      <rect class="seen-edge" {...box} />
      {isNumbered && (
        <>
          <rect
            class="seen-number-back"
            x={box.x + unit}
            y={box.y + unit}
            width={size * (number > 9 ? 1.6 : 1.2)}
            height={size * 1.2}
            rx={unit * 0.6}
          />
          <text
            x={box.x + unit + size * (number > 9 ? 0.8 : 0.6)}
            y={box.y + unit + size * 0.95}
            font-size={size}
            text-anchor="middle"
          >
            {number}
          </text>
        </>
      )}
    </g>
  );
}

/** The whole picture squeezed into one tile, as the model gets it. */
function Overview({ url, seen }: { url: string; seen: SeenImage }) {
  return (
    <div class="seen-overview">
      <svg viewBox={`0 0 ${seen.tile} ${seen.tile}`} aria-hidden="true">
        <image href={url} width={seen.tile} height={seen.tile} preserveAspectRatio="none" />
        <rect class="seen-edge-under" width={seen.tile} height={seen.tile} />
        <rect class="seen-edge" width={seen.tile} height={seen.tile} />
      </svg>
      <span>{words().overview}</span>
    </div>
  );
}

function Facts({ media, seen }: { media: Media; seen: SeenImage }) {
  const t = words();
  const { image, picture, canvas, grid } = seen;
  const isGrid = grid.cols * grid.rows > 1;
  const isScaled = picture.width !== image.width || picture.height !== image.height;
  const padded = 1 - (picture.width * picture.height) / (canvas.width * canvas.height);
  // Of a server that tells no sizes.
  if (canvas.width === 0) return <Caption media={media} facts={[t.rows(seen.rows)]} />;
  const facts = [
    t.picturePixels(image.width, image.height),
    isScaled ? t.scaledTo(Math.round(picture.width), Math.round(picture.height)) : '',
    formOf(seen),
    isGrid && seen.hasOverview ? t.withOverview : '',
    padded > 0.005 ? t.padding(Math.round(padded * 100), seen.hasOverview) : '',
    t.rows(seen.rows),
    seen.cached ? t.cached : '',
  ];
  return <Caption media={media} facts={facts} />;
}

function formOf({ grid, tile, hasOverview }: SeenImage): string {
  const t = words();
  if (grid.cols * grid.rows > 1) return t.tilesOf(grid.cols, grid.rows, tile);
  // One of several pictures: a square of any size becomes a tile.
  return hasOverview ? t.oneTile(tile) : t.squareTile(tile);
}
