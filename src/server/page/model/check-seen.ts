/** What a file says that a model saw, checked: the page draws it, so that a number may not be one that it would draw for ever. */
import type { Checked } from './checked.js';
import type { Box, Seen, SeenMedia, Size } from './types.js';

const MAX_PIXELS = 1e6;
const MAX_TILES = 100;
const MAX_TOKENS = 1e9;
const MAX_SECONDS = 1e7;

/** @throws BadImport */
export function checkSeen(given: Checked): Seen {
  const usage = given.field('usage');
  const tokens = (name: string) => usage.field(name).number(0, MAX_TOKENS);
  const timings = given.field('timings');
  const seed = given.field('seed');
  const names = timings.names().filter((name) => /^[a-z]\w{0,40}$/i.test(name));
  return {
    media: given.field('media').list(1000).map(checkMedia),
    usage: {
      promptTokens: tokens('promptTokens'),
      imageTokens: tokens('imageTokens'),
      cachedTokens: tokens('cachedTokens'),
      completionTokens: tokens('completionTokens'),
    },
    timings: Object.fromEntries(names.map((name) => [name, timings.field(name).number(0, 1e12)])),
    ...(!seed.isAbsent && { seed: seed.number(0, Number.MAX_SAFE_INTEGER) }),
  };
}

function checkMedia(given: Checked): SeenMedia {
  const common = {
    rows: given.field('rows').number(0, MAX_TOKENS),
    cached: given.field('cached').flag(),
  };
  if (given.field('kind').choice(['image', 'video']) === 'video') {
    const seconds = given.field('seconds');
    const frames = given.field('frames').list(10_000);
    return {
      ...{ kind: 'video', ...common, frames: frames.map((one) => one.number(0, MAX_SECONDS)) },
      ...(!seconds.isAbsent && { seconds: seconds.number(0, MAX_SECONDS) }),
    };
  }
  const grid = given.field('grid');
  const kept = given.field('kept');
  return {
    ...{ kind: 'image', ...common, image: size(given.field('image')) },
    ...{ canvas: size(given.field('canvas')), picture: box(given.field('picture')) },
    grid: {
      cols: grid.field('cols').number(1, MAX_TILES),
      rows: grid.field('rows').number(1, MAX_TILES),
    },
    tile: given.field('tile').number(0, MAX_PIXELS),
    hasOverview: given.field('hasOverview').flag(),
    ...(!kept.isAbsent && { kept: box(kept) }),
  };
}

function size(given: Checked): Size {
  const side = (name: string) => given.field(name).number(0, MAX_PIXELS);
  return { width: side('width'), height: side('height') };
}

function box(given: Checked): Box {
  const place = (name: string) => given.field(name).number(-MAX_PIXELS, MAX_PIXELS);
  return { x: place('x'), y: place('y'), ...size(given) };
}
