/** Texts of the grammars of random schemas: all are JSON that ajv, which is another's code, finds valid. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { jsonSchemaToGrammar } from '../../../src/grammar/json-schema-to-grammar.js';
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
    const validate = judgeOf(schema);
    if (!validate) continue;
    const texts = new GrammarTexts(grammar, random);
    for (let k = 0; k < TEXTS; k++) {
      const text = texts.next(20 + k * 20);
      const isValid = validate(JSON.parse(text));
      expect(isValid, `${JSON.stringify(schema)}\nadmits ${text}`).toBe(true);
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

/** Undefined for schemas that refer to themselves at the same place: they have no meaning, and ajv no end. */
function judgeOf(schema: object): ((value: unknown) => unknown) | undefined {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  try {
    const validate = ajv.compile(schema);
    for (const value of [null, 1, 'a', [], [1], {}, { a: 1, b: 'x' }]) validate(value);
    return validate;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
