import { expect, test } from 'vitest';
import { createProgress } from '../../../../src/cli/shared/progress.js';

function recorder(isTTY: boolean, columns = 80) {
  const chunks: string[] = [];
  return {
    isTTY,
    columns,
    write: (text: string) => chunks.push(text),
    text: () => chunks.join(''),
  };
}

test('nothing is written where there is no terminal', () => {
  const stream = recorder(false);
  const progress = createProgress('Loading', stream);
  progress.update(0.5, 'tensors');
  progress.stop();
  expect(stream.text()).toBe('');
});

test('a terminal gets a bar that is redrawn only when it changes, and taken off', () => {
  const stream = recorder(true);
  const progress = createProgress('Loading', stream);
  progress.update(0.5, 'tensors');
  progress.update(0.5, 'tensors');
  expect(stream.text()).toBe('\rLoading [############............]  50% tensors\x1b[K');
  progress.stop();
  expect(stream.text().endsWith('\r\x1b[K')).toBe(true);
  progress.stop();
  expect(stream.text().split('\r').length).toBe(3);
});

test('the bar never wraps and stays within 0 and 100 %', () => {
  const stream = recorder(true, 30);
  createProgress('A label', stream).update(7, 'a detail of some length');
  expect(stream.text().length).toBe('\r'.length + 29 + '\x1b[K'.length);
  const other = recorder(true);
  createProgress('x', other).update(-1);
  expect(other.text()).toContain('  0%');
});
