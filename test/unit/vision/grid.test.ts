// Which canvas an image is fitted to, and where it lies there.
import { describe, expect, it } from 'vitest';
import { chooseCanvas, fitInside } from '../../../src/vision/grid.js';

const square = (side: number) => ({ width: side, height: side });
const canvases = [1, 2, 3, 4, 5, 6].flatMap((cols) =>
  [1, 2, 3, 4, 5, 6].map((rows) => ({ width: cols * 384, height: rows * 384 })),
);

describe('chooseCanvas', () => {
  it('takes the smallest canvas when nothing is kept at all', () => {
    expect(chooseCanvas({ width: 1, height: 6000 }, canvases)).toEqual(square(384));
  });

  it('takes the first of equals', () => {
    const list = [
      { width: 100, height: 200 },
      { width: 200, height: 100 },
    ];
    expect(chooseCanvas(square(50), list)).toBe(list[0]);
    expect(chooseCanvas(square(50), list.toReversed())).toBe(list[1]);
  });

  it('prefers kept pixels to little waste', () => {
    expect(chooseCanvas({ width: 500, height: 400 }, [square(384), square(768)])).toEqual(
      square(768),
    );
  });
});

describe('fitInside', () => {
  it('enlarges and centres, the odd remainder right and below', () => {
    expect(fitInside({ width: 383, height: 385 }, { width: 384, height: 768 })).toEqual({
      resized: { width: 384, height: 387 },
      offset: { x: 0, y: 190 },
    });
    expect(fitInside({ width: 37, height: 1001 }, { width: 384, height: 1152 })).toEqual({
      resized: { width: 43, height: 1152 },
      offset: { x: 170, y: 0 },
    });
  });

  it('keeps at least one pixel of a line', () => {
    expect(fitInside({ width: 6000, height: 1 }, square(384)).resized).toEqual({
      width: 384,
      height: 1,
    });
  });
});
