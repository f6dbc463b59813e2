/** Every snippet of docs/structured-answers.md, run in order with the demo model. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformWithOxc } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';
import { jsonSchemaToGrammar, LlavaOneVision } from '../../src/index.js';
import { PICTURE } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';

let model: LlavaOneVision;
beforeAll(async () => {
  const files = { ...(await convertedFiles('demo', 'f16')), threads: 1 };
  model = await LlavaOneVision.load({ ...files, contextSize: 8192 });
});
afterAll(() => model?.dispose());

const page = readFileSync(join(PACKAGE_ROOT, 'docs/structured-answers.md'), 'utf8');
const snippets = Array.from(page.matchAll(/```ts\n(.*?)```/gs), ([, code]) => code!);

/** A snippet as a function of what the page says is there; imports are given, too. Returns what it printed. */
async function run(code: string): Promise<string[]> {
  const body = code.replace(/^import .*\n/gm, '');
  const names = ['model', 'picture', 'z', 'jsonSchemaToGrammar', 'console'];
  const source = `export default async (${names.join(', ')}) => {\n${body}\n};`;
  const { code: plain } = await transformWithOxc(source, 'snippet.ts');
  const url = `data:text/javascript,${encodeURIComponent(plain)}`;
  const { default: snippet } = await import(/* @vite-ignore */ url);
  const printed: string[] = [];
  const log = (...values: unknown[]) => printed.push(values.map(String).join(' '));
  await snippet(model, PICTURE, z, jsonSchemaToGrammar, { log });
  return printed;
}

/** What each prints, in the order of the page. */
const EXPECTED: RegExp[] = [
  /^(.{0,20} [0-5]|no value: length)$/s,
  /^(red|blue)$/,
  /^(yes|no)$/,
  /^.+ [01]\.\d{3} .+/s,
  /^(stop|length|tool-calls)$/,
  /^ERR_SCHEMA \/properties\/tags uniqueItems\ntrue$/,
];

it('has a test for each snippet', () => {
  expect(snippets).toHaveLength(EXPECTED.length);
});

it.each(EXPECTED.map((expected, i) => ({ expected, code: snippets[i]! })))(
  'prints $expected',
  async ({ expected, code }) => {
    expect((await run(code)).join('\n')).toMatch(expected);
  },
);
