/** JSON-Schema-Test-Suite, drafts 7 and 2020-12, by what `model.matches` asks. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { members, parted, spaced } from '../../bench/json-source.mjs';
import { native } from '../../src/addon/load-addon.js';
import type { LlavaError } from '../../src/errors.js';
import { admits } from '../../src/grammar/admits.js';
import { jsonSchemaToGrammar } from '../../src/grammar/json-schema-to-grammar.js';

/** Schemas that pass, are refused, or lose a valid instance; a change of these is a change of what the docs say. */
const DRAFTS = [
  ['draft7', { passed: 221, refused: 30, rejects: 6 }],
  ['draft2020-12', { passed: 291, refused: 55, rejects: 37 }],
] as const;

it.each(DRAFTS)('admits nothing that %s forbids', async (draft, expected) => {
  const file = new URL(`../golden/json-schema/${draft}.jsonl`, import.meta.url);
  const wrong: string[] = [];
  const counts = { passed: 0, refused: 0, rejects: 0 };
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const { name, schema, tests } = members(line);
    const format = { type: 'json_schema' as const, schema: JSON.parse(schema!) };
    if (!isKept(format.schema)) {
      counts.refused++;
      continue;
    }
    let isLost = false;
    for (const { valid, data } of parted(tests!).map(members)) {
      const isAdmitted = await admits(native(), spaced(data!), format);
      if (isAdmitted && valid === 'false') wrong.push(`${name} ${data}`);
      if (!isAdmitted && valid === 'true') isLost = true;
    }
    counts[isLost ? 'rejects' : 'passed']++;
  }
  expect(wrong).toEqual([]);
  expect(counts).toEqual(expected);
});

function isKept(schema: unknown): boolean {
  try {
    jsonSchemaToGrammar(schema);
    return true;
  } catch (error) {
    expect((error as LlavaError).code).toBe('ERR_SCHEMA');
    return false;
  }
}
