/** Texts of the grammars of random schemas: all are JSON that ajv, which is another's code, finds valid. */
import { expect, test } from 'vitest';
import { jsonSchemaToGrammar } from '../../../src/grammar/json-schema-to-grammar.js';
import { ajvJudge } from '../../support/ajv-judge.js';
import { GrammarTexts } from '../../support/grammar-texts.js';
import { randomUniform } from '../../support/random.js';
import { RandomSchemas } from '../../support/random-schemas.js';

const SCHEMAS = Number(process.env.LLAVAOV_FUZZ ?? 400);
const TEXTS = 20;

test('no random text of a random schema is invalid', { timeout: 600_000 }, () => {
  const random = randomUniform(Number(process.env.LLAVAOV_SEED ?? 17));
  const schemas = new RandomSchemas(random);
  let kept = 0;
  for (let i = 0; i < SCHEMAS; i++) {
    const schema = schemas.document();
    const grammar = grammarOf(schema);
    if (grammar === undefined) continue;
    kept++;
    const judge = ajvJudge(schema);
    const texts = new GrammarTexts(grammar, random);
    for (let k = 0; k < TEXTS; k++) {
      const text = texts.next(20 + k * 20);
      const verdict = judge(JSON.parse(text));
      expect(verdict, `${JSON.stringify(schema)}\nadmits ${text}`).not.toBe(false);
    }
  }
  expect(kept).toBeGreaterThan(SCHEMAS / 2);
});

function grammarOf(schema: unknown): string | undefined {
  try {
    return jsonSchemaToGrammar(schema);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_SCHEMA', keyword: expect.any(String) });
    return undefined;
  }
}
