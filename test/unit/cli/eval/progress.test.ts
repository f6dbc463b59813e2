// The bar of a benchmark: count, running score, errors, time left.
import { expect, it } from 'vitest';
import { createEvalProgress } from '../../../../src/cli/eval/progress.js';

it('shows how far it is, and says nothing where there is no terminal', () => {
  const lines: string[] = [];
  const write = (text: string) => lines.push(text);
  const progress = { done: 30, total: 120, asked: 10, errors: 2, score: () => 81.25 };
  const bar = createEvalProgress('ai2d', { isTTY: true, columns: 100, write });
  bar.update(progress);
  expect(lines.join('')).toMatch(/ai2d \[#{6}\.{18}\] +25% 30 of 120, 81\.3, 2 errors, \d.* left/);
  bar.update({ ...progress, done: 120, errors: 0, score: () => 0 });
  expect(lines.at(-1)).toContain('100% 120 of 120, 81.3\x1b');
  const silent = createEvalProgress('ai2d', { write: () => expect.unreachable() });
  silent.update({ ...progress, score: () => expect.unreachable() });
  silent.stop();
});
