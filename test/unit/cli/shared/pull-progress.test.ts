import { expect, test } from 'vitest';
import { createPullBars } from '../../../../src/cli/shared/pull-progress.js';

function terminal(isTTY: boolean) {
  const chunks: string[] = [];
  const stream = { isTTY, columns: 90, rows: 5, write: (text: string) => chunks.push(text) };
  return { stream, chunks };
}

/** What stands on the terminal after the last drawing. */
function lines(chunks: string[]): string[] {
  const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d*[A-Z]`, 'g');
  return (chunks.at(-1) ?? '').replace('\r', '').replace(escapes, '').split('\n');
}

test('a bar for each file under way, one for all, at most ten times a second', () => {
  const { stream, chunks } = terminal(true);
  let time = 0;
  const bars = createPullBars(stream, () => time);
  const size = 1000;
  bars.update({ file: 'a', fileBytes: 100, fileSize: 200, bytes: 100, size });
  expect(lines(chunks)).toEqual([
    expect.stringMatching(/^a +\[#{12}\.{12}\] {2}50% 100 bytes of 200 bytes/),
    expect.stringMatching(/^Total \[##\.+\] {2}10% 100 bytes of 1\.00 kB$/),
  ]);
  time = 50;
  bars.update({ file: 'b', fileBytes: 1, fileSize: 800, bytes: 101, size });
  expect(chunks).toHaveLength(1);
  time = 1000;
  bars.update({ file: 'b', fileBytes: 100, fileSize: 800, bytes: 200, size, note: 'again in 3 s' });
  expect(lines(chunks)).toEqual([
    expect.stringMatching(/^a /),
    expect.stringMatching(/^b .* again in 3 s/),
    expect.stringMatching(/^Total .* 100 bytes\/s, 8 s/),
  ]);
  time = 2000;
  bars.update({ file: 'a', fileBytes: 200, fileSize: 200, bytes: 300, size });
  expect(lines(chunks).map((line) => line[0])).toEqual(['b', 'T']);
  bars.stop();
  expect(lines(chunks)).toEqual(['']);
  const written = chunks.length;
  bars.stop();
  expect(chunks).toHaveLength(written);
});

test('without a terminal, what is waited for is said once each time', () => {
  const { stream, chunks } = terminal(false);
  const bars = createPullBars(stream);
  const a = { file: 'a', fileBytes: 1, fileSize: 2, bytes: 1, size: 2 };
  for (const note of ['another process is at it', 'another process is at it', undefined, 'again'])
    bars.update({ ...a, ...(note && { note }) });
  bars.stop();
  expect(chunks).toEqual(['a: another process is at it\n', 'a: again\n']);
});

test('no more lines than the terminal has', () => {
  const { stream, chunks } = terminal(true);
  let time = 0;
  const bars = createPullBars(stream, () => time);
  for (let i = 0; i < 9; i++, time += 1000)
    bars.update({ file: `file ${i}`, fileBytes: 1, fileSize: 2, bytes: i, size: 18 });
  expect(lines(chunks)).toHaveLength(4);
});

test('without a terminal a line for each tenth of the whole', () => {
  const { stream, chunks } = terminal(false);
  let time = 0;
  const bars = createPullBars(stream, () => time);
  for (let i = 1; i <= 40; i++, time += 100)
    bars.update({ file: 'a', fileBytes: i, fileSize: 40, bytes: i, size: 40 });
  bars.stop();
  expect(chunks).toEqual([
    expect.stringMatching(/^Downloading {2}52% 21 bytes of 40 bytes, .* bytes\/s, \d+ s\n$/),
    ...[60, 70, 80, 90].map((tenth) => expect.stringContaining(`Downloading  ${tenth}%`)),
    expect.stringContaining('Downloading 100%'),
  ]);
});
