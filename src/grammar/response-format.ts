/** What shape an answer has to have, as a caller says it, and the grammar that keeps it. */
import { invalidArgument, LlavaError } from '../errors.js';
import { isRecord, parseJson } from '../option-checks.js';
import { checkGrammar } from './gbnf-check.js';
import { jsonSchemaToGrammar } from './json-schema-to-grammar.js';
import { remembered } from './remembered.js';
import {
  inputSchema,
  isStandardSchema,
  type StandardSchema,
  validated,
} from './standard-schema.js';

export type ResponseFormat =
  /** A JSON schema, or a schema object of zod 4 or another library with the Standard JSON Schema interface. */
  | { type: 'json_schema'; schema: StandardSchema | Readonly<Record<string, unknown>> | boolean }
  /** Any JSON object. */
  | { type: 'json_object' }
  /** GBNF whose first rule is `root`. */
  | { type: 'grammar'; grammar: string };

/** The type of `parsed`. */
export type Parsed<F> = F extends { schema: StandardSchema<infer Output> }
  ? Output
  : F extends { type: 'grammar' }
    ? undefined
    : // biome-ignore lint/suspicious/noExplicitAny: JSON, as JSON.parse gives it
      any;

export interface AnswerFormat {
  readonly grammar: string;
  /** The value of an answer that ended by itself; undefined where it has none. */
  parse(text: string): Promise<unknown>;
}

const ANY_OBJECT = { type: 'object' };

/** @throws ERR_INVALID_ARGUMENT, ERR_SCHEMA */
export function resolveFormat(given: unknown): AnswerFormat | undefined {
  if (given === undefined) return undefined;
  if (!isRecord(given))
    throw invalidArgument(
      'responseFormat',
      "{ type: 'json_schema' | 'json_object' | 'grammar' }",
      given,
    );
  if (given.type === 'json_object') return ofSchema(ANY_OBJECT);
  if (given.type === 'json_schema') return ofSchema(given.schema);
  if (given.type !== 'grammar')
    throw invalidArgument(
      'responseFormat.type',
      "'json_schema', 'json_object' or 'grammar'",
      given.type,
    );
  const { grammar } = given;
  if (typeof grammar !== 'string')
    throw invalidArgument('responseFormat.grammar', 'a grammar in GBNF', grammar);
  remembered(given, grammar, () => {
    checkGrammar(grammar);
    return grammar;
  });
  return { grammar, parse: async () => undefined };
}

function ofSchema(schema: unknown): AnswerFormat {
  if (schema === undefined)
    throw invalidArgument('responseFormat.schema', 'a JSON schema or a schema object', schema);
  if (isStandardSchema(schema)) {
    const plain = inputSchema(schema);
    const grammar = remembered(schema, plain, () => jsonSchemaToGrammar(plain));
    return { grammar, parse: (text) => validated(schema, parseJson(text)) };
  }
  if (isRecord(schema) && '_zod' in schema) {
    throw new LlavaError(
      'ERR_INVALID_ARGUMENT',
      'This zod object has no JSON schema of its own: update zod to 4.2, or give z.toJSONSchema(schema)',
      {
        argument: 'responseFormat.schema',
        expected: 'a schema object of zod 4.2',
        received: schema,
      },
    );
  }
  const make = () => jsonSchemaToGrammar(schema);
  const grammar = isRecord(schema) ? remembered(schema, schema, make) : make();
  return { grammar, parse: async (text) => parseJson(text) };
}
