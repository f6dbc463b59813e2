// The benchmark that docs/eval.md adds, and its test, run as they stand there.
import { readFileSync, writeFileSync } from 'node:fs';
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

const ROOT = join(import.meta.dirname, '../../..');
const page = readFileSync(join(ROOT, 'docs/eval.md'), 'utf8');
const [benchmark = '', test = ''] = Array.from(
  page.matchAll(/```ts\n(.*?)```/gs),
  ([, code]) => code,
);

it('adding a benchmark is the file of the page', async () => {
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
