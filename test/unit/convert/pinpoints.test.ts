import { expect, test } from 'vitest';
import { parsePinpoints } from '../../../src/convert/pinpoints.js';

const parse = (value: unknown, tile = 384) =>
  parsePinpoints({ path: 'config.json', fields: { image_grid_pinpoints: value } }, tile);

test('a list is taken as it stands', () => {
  expect(
    parse([
      [384, 768],
      [1152, 384],
    ]),
  ).toEqual([
    [384, 768],
    [1152, 384],
  ]);
});

test('the range of the published models is 36 sizes, first component outermost', () => {
  const points = parse('(1x1),...,(6x6)');
  expect(points).toHaveLength(36);
  expect(points.slice(0, 2)).toEqual([
    [384, 384],
    [384, 768],
  ]);
  expect(points[6]).toEqual([768, 384]);
  expect(points.at(-1)).toEqual([2304, 2304]);
});

test('a range need not be square', () => {
  expect(parse('(1x2),...,(2x3)', 10)).toEqual([
    [10, 20],
    [10, 30],
    [20, 20],
    [20, 30],
  ]);
});

test('a Python literal is a list', () => {
  expect(parse('[(384, 768), (768, 384)]')).toEqual([
    [384, 768],
    [768, 384],
  ]);
});

test.each([
  [undefined],
  [[]],
  ['anything'],
  ['(2x2),...,(1x1)'],
  [[[384]]],
  [[[384, 400]]],
  [[[0, 384]]],
  [[384, 768]],
])('%j is refused', (value) => {
  expect(() => parse(value)).toThrow(expect.objectContaining({ code: 'ERR_CHECKPOINT' }));
});
