import { expect, test, vi } from 'vitest';
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

test('without a terminal there is a line for each tenth of what takes longer than two seconds', () => {
  const stream = recorder(false);
  let time = 0;
  const progress = createProgress('Loading', stream, () => time);
  progress.update(0.31, 'in no time');
  expect(stream.text()).toBe('');
  time = 2000;
  for (let i = 32; i <= 100; i++) progress.update(i / 100, i < 95 ? 'tensors' : '');
  progress.stop();
  const lines = stream.text().split('\n');
  expect(lines).toEqual([
    'Loading  32% tensors',
    ...[40, 50, 60, 70, 80, 90].map((percent) => `Loading  ${percent}% tensors`),
    'Loading 100%',
    '',
  ]);
});

test('without a terminal a step that begins again is told of again', () => {
  const stream = recorder(false);
  let time = 0;
  const progress = createProgress('Looking', stream, () => time);
  time = 9000;
  for (const [fraction, detail] of [
    [1, 'tile 1 of 1'],
    [0.05, 'prompt'],
    [0.5, 'prompt'],
  ] as const)
    progress.update(fraction, detail);
  expect(stream.text()).toBe('Looking 100% tile 1 of 1\nLooking  50% prompt\n');
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

test('once silenced nothing is written, wherever', async () => {
  vi.resetModules();
  const own = await import('../../../../src/cli/shared/progress.js');
  own.silenceProgress();
  for (const isTTY of [true, false]) {
    const stream = recorder(isTTY);
    let time = 0;
    const progress = own.createProgress('Loading', stream, () => time);
    time = 9000;
    progress.update(0.5);
    progress.stop();
    expect(stream.text()).toBe('');
  }
});
