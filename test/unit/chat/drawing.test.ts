// Drawings of what the model sees: as many tiles, frames and rows as render says, to scale, with nothing that could run.
import sharp from 'sharp';
import { expect, it } from 'vitest';
import type { Part } from '../../../src/index.js';
import { svgToPng } from '../../../src/media/drawing.js';
import { fakeModel } from '../../support/fake-model.js';

const raw = (width: number, height: number) => ({
  ...{ width, height },
  data: new Uint8Array(width * height * 3).fill(200),
});
const image = (width: number, height: number): Part => ({
  type: 'image',
  image: raw(width, height),
});

async function drawn(...content: Part[]) {
  const { model } = await fakeModel();
  const rendered = await model.render([{ role: 'user', content }]);
  const svg = await rendered.toSvg();
  const count = (pattern: RegExp) => svg.match(pattern)?.length ?? 0;
  await model.dispose();
  return { svg, count, rendered };
}

it('a picture: numbered tiles over it, what is kept of it, and the overview', async () => {
  const { svg, count, rendered } = await drawn(image(16, 8));
  // Two tiles of a grid, the overview, and the picture twice.
  expect(rendered.media[0]!.grid).toEqual({ cols: 2, rows: 2 });
  expect(count(/<image /g)).toBe(2);
  expect(count(/stroke="#ff2d78"/g)).toBe(5);
  expect(svg.match(/paint-order="stroke">\d/g)).toHaveLength(4);
  expect(svg).toContain('16×8 pixels, as 16×8 on 2×2 tiles of 8');
  expect(svg).toContain('without padding (dashed): 4×2 patches');
  expect(svg).toContain(`${rendered.media[0]!.rows} rows: overview 2×2, then 2 lines of 4`);
  expect(svg).toContain(
    `${rendered.rows} positions of the prompt, ${rendered.media[0]!.rows} of them`,
  );
  // The picture lies in the middle of its canvas, which is 420 high.
  expect(svg).toContain('<image x="0" y="105" width="420" height="210"');
  // The kept features: half of the map's height.
  expect(svg).toContain(
    '<rect x="0" y="105" width="420" height="210" fill="none" stroke="#00b8d9"',
  );
});

it('several pictures: one square tile each, the padding grey', async () => {
  const { svg, count } = await drawn(image(16, 8), image(8, 8));
  expect(count(/<image /g)).toBe(2);
  expect(count(/stroke="#ff2d78"/g)).toBe(2);
  expect(svg).toContain('16×8 pixels, on a grey square of 16, as one tile of 8');
  expect(svg).toContain('5 rows: 2×2 patches and a newline');
});

it('a clip: its frames, by number', async () => {
  const frames = [raw(8, 8), raw(8, 8), raw(8, 8)];
  const { svg, count, rendered } = await drawn({ type: 'video', video: frames });
  expect(count(/<image /g)).toBe(3);
  expect(svg).toContain('>frame 2<');
  expect(svg).toContain(`: ${rendered.media[0]!.rows} rows`);
});

it('text has nothing to show', async () => {
  const { svg } = await drawn({ type: 'text', text: '<script>' });
  expect(svg).toMatch(/^<svg .*positions of the prompt, 0 of them visual.*<\/svg>$/s);
});

it('becomes a PNG of its size', async () => {
  const { svg } = await drawn(image(8, 8));
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!;
  expect(await sharp(await svgToPng(svg)).metadata()).toMatchObject({
    ...{ format: 'png', width: Number(width), height: Number(height) },
  });
});

it('reads pictures again, and says when they are gone', async () => {
  const { model } = await fakeModel();
  const rendered = await model.render([{ role: 'user', content: [image(8, 8)] }]);
  await model.dispose();
  await expect(rendered.toSvg()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});
