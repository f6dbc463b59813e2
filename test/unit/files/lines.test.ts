// Lines of a stream: by LF alone, wherever chunks end, with their places.
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { type Line, readLines } from '../../../src/files/lines.js';

const TEXT = 'é\r\n\n{"a":"\u2028\u2029"}\nrest';

async function collected(chunks: Buffer[]): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of readLines(Readable.from(chunks))) lines.push(line);
  return lines;
}

it.each([1, 2, 3, 7, 100])('in chunks of %i bytes', async (size) => {
  const bytes = Buffer.from(TEXT);
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
  const lines = await collected(chunks);
  expect(lines).toEqual([
    { text: 'é\r', start: 0, end: 4, isEnded: true },
    { text: '', start: 4, end: 5, isEnded: true },
    { text: '{"a":"\u2028\u2029"}', start: 5, end: 20, isEnded: true },
    { text: 'rest', start: 20, end: 24, isEnded: false },
  ]);
});

it('nothing has no lines', async () => {
  expect(await collected([])).toEqual([]);
});
