/** No snippet without a test: whatever README and docs show as code is run somewhere, or is of a kind that is only read. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../../src/addon/package-root.js';
import { fencesOf, pages, READ_ONLY, RUN_BY } from '../../support/fences.js';
import { snippetsOf } from '../../support/snippets.js';

const fences = pages().flatMap(fencesOf);
const isRun = new Set(Object.values(RUN_BY).flat());

test('each fence names its language, and is run or only read', () => {
  const others = fences.filter(
    ({ page, language }) => !READ_ONLY.includes(language) && !isRun.has(`${page} ${language}`),
  );
  expect(others.map(({ page, line, language }) => `${page}:${line} ${language}`)).toEqual([]);
});

test('what is said to be run is there, once, and so is its test', () => {
  const there = new Set(fences.map(({ page, language }) => `${page} ${language}`));
  const said = Object.values(RUN_BY).flat();
  expect(said.filter((one) => !there.has(one))).toEqual([]);
  expect(said).toHaveLength(isRun.size);
  const gone = Object.keys(RUN_BY).filter((file) => !existsSync(join(PACKAGE_ROOT, 'test', file)));
  expect(gone).toEqual([]);
});

test('no other test takes them', () => {
  expect(() => snippetsOf('README.md', 'sh')).toThrow('does not say that unit/docs/fences.test.ts');
});
