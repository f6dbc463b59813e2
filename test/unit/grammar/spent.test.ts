/** Schemas that are small to send and much to compare: the compile ends by what it has looked at, not by the clock. */
import { expect, it } from 'vitest';
import { jsonSchemaToGrammar } from '../../../src/grammar/json-schema-to-grammar.js';

it('refuses names times groups beyond what is looked at', () => {
  const required = Array.from({ length: 6000 }, (_, i) => `a${i}`);
  const groups = Array.from({ length: 3000 }, (_, i) => ({ properties: { [`x${i}`]: {} } }));
  expect(() => jsonSchemaToGrammar({ allOf: [{ required }, ...groups] })).toThrow('too large');
});
