import { expect, test } from 'vitest';
import { mendOpen } from '../../../../src/server/page/text/mend-open.js';

test.each([
  // Emphasis that is open.
  ['a **b', 'a **b**'],
  ['a **b ', 'a **b**'],
  ['a **b*', 'a **b**'],
  ['a **', 'a '],
  ['a *', 'a '],
  ['**a *b', '**a *b***'],
  ['***a', '***a***'],
  ['~~a', '~~a~~'],
  ['_a', '_a_'],
  ['**a** b', '**a** b'],
  ['**a** *b', '**a** *b*'],
  // No emphasis.
  ['2*3', '2*3'],
  ['snake_case', 'snake_case'],
  ['2 * 3', '2 * 3'],
  ['\\*a', '\\*a'],
  // Code that is open.
  ['a `b', 'a `b`'],
  ['a `', 'a '],
  ['a ``b`', 'a ``b```'],
  ['`*a` b', '`*a` b'],
  ['**a `b', '**a `b`**'],
  // Marks have their partners in their own paragraph or item.
  ['*a\n\nb', '*a\n\nb'],
  ['* one\n* **two', '* one\n* **two**'],
  ['1. **a', '1. **a**'],
  // Links.
  ['see [text](https://exam', 'see text'],
  ['see ![text](', 'see text'],
  ['see **[text](http', 'see **text**'],
  ['see [text](u) now', 'see [text](u) now'],
  // What may yet become anything.
  ['abc\n-', 'abc'],
  ['abc\n--', 'abc'],
  ['abc\n#', 'abc'],
  ['abc\n2', 'abc'],
  ['abc\n2.', 'abc'],
  ['abc\n``', 'abc'],
  ['abc\n>', 'abc'],
  ['| a |', ''],
  ['abc\n| a |\n|--', 'abc'],
  ['|| x', ''],
])('%j is shown as %j', (source, shown) => {
  expect(mendOpen(source, 'paragraph')).toBe(shown);
});

test('a table is no head of one', () => {
  expect(mendOpen('| a |\n|---|\n| **b', 'table')).toBe('| a |\n|---|\n| **b**');
});

test('long texts of marks take no long time', () => {
  for (const piece of ['*', '**a ', '[', '`', '![a](', '_a', '| ', '\n-', '``a `'])
    expect(typeof mendOpen(piece.repeat(20_000), 'paragraph')).toBe('string');
  const spaces = `| a\n${' '.repeat(100_000)}b`;
  expect(mendOpen(spaces, 'paragraph')).toBe(spaces);
});
