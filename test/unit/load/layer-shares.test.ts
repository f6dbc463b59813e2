import { expect, it } from 'vitest';
import { assignLayers } from '../../../src/load/layer-shares.js';

it.each([
  // The head, layer 4 of 0 to 3, goes first, and layers from the last.
  [1, [1], [[4]]],
  [3, [1], [[2, 3, 4]]],
  [5, [1], [[0, 1, 2, 3, 4]]],
  [99, [1], [[0, 1, 2, 3, 4]]],
  [0, [1], [[]]],
  [4, [1, 1], [[1, 2], [3, 4]]], // biome-ignore format: one a line
  [
    5,
    [1, 1],
    [
      [0, 1, 2],
      [3, 4],
    ],
  ],
  [5, [0, 1], [[], [0, 1, 2, 3, 4]]],
  [5, [1, 0], [[0, 1, 2, 3, 4], []]],
  [5, [1, 0, 1], [[0, 1, 2], [], [3, 4]]],
  [4, [3e10, 1e10], [[1, 2, 3], [4]]],
])('%i of 5 over shares %j', (gpuLayers, shares, expected) => {
  expect(assignLayers(4, gpuLayers, shares)).toEqual(expected);
});

it('gives every layer to one GPU, whatever the shares', () => {
  for (let i = 1; i < 200; i++) {
    const shares = [i / 7, 1 / i, Math.sqrt(i)];
    const all = assignLayers(80, 81, shares).flat();
    expect(all).toEqual(Array.from({ length: 81 }, (_, layer) => layer));
  }
});
