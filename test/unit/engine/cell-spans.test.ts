/** Cells that sequences share are counted once; checked against sets of cells that are copied and removed one by one. */
import { expect, it } from 'vitest';
import { CellSpans, type Span } from '../../../src/engine/cell-spans.js';
import { randomUniform } from '../../support/random.js';

it('counts what sequences share once', () => {
  const spans = new CellSpans();
  const first = spans.open(100);
  const second = spans.fork(first, 80, 120);
  expect(spans.nTaken).toBe(140);
  const third = spans.fork(second, 90, 95);
  expect(spans.nTaken).toBe(145);
  expect(spans.heldBy([second])).toBe(120);
  expect(spans.heldBy([second, third])).toBe(125);
  expect(spans.heldBy([second], { span: first, limit: 85 })).toBe(125);
  expect(spans.heldBy([], { span: first, limit: 85 })).toBe(85);
  spans.release(first);
  expect(spans.nTaken).toBe(125);
  spans.release(third);
  expect(spans.nTaken).toBe(120);
  spans.resize(second, 110);
  expect(spans.nTaken).toBe(110);
  spans.release(second);
  expect(spans.nTaken).toBe(0);
});

it.each([1, 2, 3, 4])('agrees with sets of cells through random changes (%i)', (seed) => {
  const random = randomUniform(seed);
  const upTo = (n: number) => Math.floor(random() * (n + 1));
  const spans = new CellSpans();
  const sequences: { span: Span; cells: object[] }[] = [];
  const fresh = (n: number) => Array.from({ length: n }, () => ({}));
  for (let i = 0; i < 2000; i++) {
    const chosen = sequences[upTo(sequences.length - 1)];
    const action = random();
    if (!chosen || action < 0.2) {
      const end = upTo(20);
      sequences.push({ span: spans.open(end), cells: fresh(end) });
    } else if (action < 0.5 && sequences.length < 12) {
      const at = upTo(chosen.cells.length);
      const end = at + upTo(10);
      const cells = [...chosen.cells.slice(0, at), ...fresh(end - at)];
      sequences.push({ span: spans.fork(chosen.span, at, end), cells });
    } else if (action < 0.7) {
      const end = chosen.span.start + upTo(15);
      spans.resize(chosen.span, end);
      chosen.cells = [...chosen.cells.slice(0, end), ...fresh(end - chosen.cells.length)];
    } else {
      spans.release(chosen.span);
      sequences.splice(sequences.indexOf(chosen), 1);
    }
    expect(spans.nTaken).toBe(new Set(sequences.flatMap(({ cells }) => cells)).size);
  }
  for (const sequence of sequences) {
    const others = sequences.filter((other) => other !== sequence);
    const limit = upTo(sequence.cells.length);
    const held = new Set([
      ...others.flatMap(({ cells }) => cells),
      ...sequence.cells.slice(0, limit),
    ]);
    const last = { span: sequence.span, limit };
    expect(
      spans.heldBy(
        others.map(({ span }) => span),
        last,
      ),
    ).toBe(held.size);
  }
});
