/** What the server tells of an answer, `usage` and `llava_onevision` of its last chunk, in the page's words. Absent numbers are 0. */
import type { Box, Seen, SeenMedia, Size } from '../model/types.js';

type Fields = Record<string, unknown>;

export function readSeen(chunk: Fields): Seen {
  const usage = fields(chunk.usage);
  const details = fields(usage.prompt_tokens_details);
  const own = fields(chunk.llava_onevision);
  return {
    media: (Array.isArray(own.media) ? own.media : []).map((one) => readMedia(fields(one))),
    usage: {
      promptTokens: number(usage.prompt_tokens),
      imageTokens: number(details.image_tokens),
      cachedTokens: number(details.cached_tokens),
      completionTokens: number(usage.completion_tokens),
    },
    timings: Object.fromEntries(
      Object.entries(fields(own.timings)).filter(([, ms]) => Number.isFinite(ms)),
    ) as Record<string, number>,
    ...(typeof own.seed === 'number' && { seed: own.seed }),
  };
}

/** One for each medium that was sent, whatever is told of it, so that they stay in step. */
function readMedia(given: Fields): SeenMedia {
  const common = { rows: number(given.rows), cached: given.cached === true };
  const geometry = fields(given.geometry);
  if (given.kind === 'video') {
    const { seconds, frame_seconds: times } = geometry;
    return {
      ...{ kind: 'video', ...common, frames: Array.isArray(times) ? times.map(number) : [] },
      ...(typeof seconds === 'number' && { seconds }),
    };
  }
  const grid = fields(given.grid);
  return {
    ...{ kind: 'image', ...common, image: size(geometry.image), canvas: size(geometry.canvas) },
    picture: box(geometry.picture),
    grid: { cols: number(grid.cols) || 1, rows: number(grid.rows) || 1 },
    ...{ tile: number(geometry.tile), hasOverview: geometry.has_overview === true },
    ...(geometry.kept !== undefined && { kept: box(geometry.kept) }),
  };
}

function size(value: unknown): Size {
  const { width, height } = fields(value);
  return { width: number(width), height: number(height) };
}

function box(value: unknown): Box {
  const { x, y } = fields(value);
  return { x: number(x), y: number(y), ...size(value) };
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
