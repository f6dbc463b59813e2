// The benchmark that docs/eval.md adds, and its test, run as they stand there.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import {
  datasetFolder,
  picture,
  runBenchmark,
  temporaryFolder,
  writeSplit,
} from '../../support/eval.js';
import { snippetsOf } from '../../support/snippets.js';

const ROOT = join(import.meta.dirname, '../../..');
const [benchmark = '', test = '', ...others] = snippetsOf('docs/eval.md');

it('adding a benchmark is the file of the page', async () => {
  expect(others).toEqual([]);
  const file = join(temporaryFolder(), 'capitals.ts');
  const source = join(ROOT, 'src/eval');
  writeFileSync(
    file,
    benchmark.replace(/'\.\.\/(.*)\.js'/g, (_, path) => `'${source}/${path}.ts'`),
  );
  const { capitals } = await import(/* @vite-ignore */ pathToFileURL(file).href);
  const names = { capitals, datasetFolder, picture, runBenchmark, writeSplit, expect };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const code = test.replaceAll('!.', '.');
  await new AsyncFunction(...Object.keys(names), code)(...Object.values(names));
  expect.hasAssertions();
});
