// The bar of a benchmark: count, running score, errors, time left.
import { expect, it } from 'vitest';
import { createEvalProgress } from '../../../../src/cli/eval/progress.js';

it('shows how far it is, with a terminal and without', () => {
  const lines: string[] = [];
  const write = (text: string) => lines.push(text);
  const progress = { done: 30, total: 120, asked: 10, errors: 2, score: () => 81.25 };
  const bar = createEvalProgress('ai2d', { isTTY: true, columns: 100, write });
  bar.update(progress);
  expect(lines.join('')).toMatch(
    /ai2d \[#{6}\.{18}\] +25% 30 of 120, 81\.3, 2 errors, .+\/s, \d.* left/,
  );
  bar.update({ ...progress, done: 120, errors: 0, score: () => 0 });
  expect(lines.at(-1)).toContain('100% 120 of 120, 81.3');
  const log: string[] = [];
  let time = 0;
  const stream = { write: (text: string) => log.push(text) };
  const plain = createEvalProgress('ai2d', stream, () => time);
  time = 5000;
  for (const done of [30, 31, 60]) plain.update({ ...progress, done });
  plain.stop();
  expect(log).toEqual([
    'ai2d  25% 30 of 120, 81.3, 2 errors, 2.0/s, 45.0 s left\n',
    'ai2d  50% 60 of 120, 81.3, 2 errors, 2.0/s, 30.0 s left\n',
  ]);
});
