/** Every snippet of docs/structured-answers.md, run in order with the demo model. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { jsonSchemaToGrammar, LlavaOneVision } from '../../src/index.js';
import { PICTURE } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';
import { runSnippet, snippetsOf } from '../support/snippets.js';

let model: LlavaOneVision;
beforeAll(async () => {
  const files = { ...(await convertedFiles('demo', 'f16')), threads: 1 };
  model = await LlavaOneVision.load({ ...files, contextSize: 8192 });
});
afterAll(() => model?.dispose());

const snippets = snippetsOf('docs/structured-answers.md');

/** What each prints, in the order of the page. */
const EXPECTED: RegExp[] = [
  /^(.{0,20} [0-5]|no value: length)$/s,
  /^(red|blue)$/,
  /^(yes|no)$/,
  /^" [01]\.\d{3} .+\n\w+ [01]\.\d{3} .+/s,
  /^(stop|length|tool-calls)$/,
  /^ERR_SCHEMA \/properties\/tags uniqueItems\ntrue$/,
];

it('has a test for each snippet', () => {
  expect(snippets).toHaveLength(EXPECTED.length);
});

it.each(EXPECTED.map((expected, i) => ({ expected, code: snippets[i]! })))(
  'prints $expected',
  async ({ expected, code }) => {
    const given = { model, picture: PICTURE, z, jsonSchemaToGrammar };
    expect(await runSnippet(code, given)).toMatch(expected);
  },
);
