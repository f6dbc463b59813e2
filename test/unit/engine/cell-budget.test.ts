import { describe, expect, it } from 'vitest';
import { CellBudget } from '../../../src/engine/cell-budget.js';

describe('check', () => {
  it('takes a prompt that fills the context', () => {
    expect(() => new CellBudget(1000, 4000).check(1000)).not.toThrow();
  });

  it.each([
    ['the context', 1000, 4000, /contextSize/],
    ['what the model was trained on', 8000, 1000, /trained on 1000/],
  ])('refuses one that exceeds %s, with numbers', (_, nCtx, nCtxTrain, message) => {
    expect(() => new CellBudget(nCtx, nCtxTrain).check(1001)).toThrow(
      expect.objectContaining({
        code: 'ERR_CONTEXT_FULL',
        ...{ nPast: 0, nNeeded: 1001, nCtx: 1000 },
        message: expect.stringMatching(message),
      }),
    );
  });
});

it('sets all of maxTokens aside, but no cell for the last token', () => {
  const budget = new CellBudget(10000, 10000);
  expect(budget.wanted(100, 50)).toBe(149);
  expect(budget.wanted(100, 1)).toBe(100);
  expect(budget.wanted(100, undefined)).toBe(100 + 511);
  expect(budget.wanted(9990, 50)).toBe(10000);
});
