/**
 * Schema objects of libraries (zod 4.2, ArkType, Valibot …) by the Standard JSON Schema interface: the JSON schema that
 * describes their input, and their own check of a value.
 * @see https://standardschema.dev/json-schema
 */
import { isSchema, type Schema } from './schema-index.js';

export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate?: (value: unknown) => unknown;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
    readonly jsonSchema: {
      readonly input: (options: { target: 'draft-2020-12' }) => Record<string, unknown>;
    };
  };
}

export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as { '~standard'?: { jsonSchema?: { input?: unknown } } })['~standard'];
  return typeof standard?.jsonSchema?.input === 'function';
}

/** The schema of its input. Objects that say nothing of other properties have none: the library would drop them. */
export function inputSchema(schema: StandardSchema): Schema {
  return closed(schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' })) as Schema;
}

/** What the library makes of a value, or undefined where it refuses it. @throws what its checks do */
export async function validated(schema: StandardSchema, value: unknown): Promise<unknown> {
  const { validate } = schema['~standard'];
  if (!validate) return value;
  const result = (await validate(value)) as { value?: unknown; issues?: unknown };
  return result.issues ? undefined : result.value;
}

const LISTS = ['anyOf', 'oneOf', 'prefixItems'];
const MAPS = ['properties', '$defs', 'definitions'];
const SCHEMAS = ['items', 'additionalProperties'];

/** Parts of "allOf" stay open: each would refuse what the others name. */
function closed(value: unknown): unknown {
  if (!isSchema(value)) return value;
  const schema: Record<string, unknown> = { ...value };
  for (const key of LISTS) if (Array.isArray(schema[key])) schema[key] = schema[key].map(closed);
  for (const key of SCHEMAS) if (isSchema(schema[key])) schema[key] = closed(schema[key]);
  for (const key of MAPS) {
    const map = schema[key];
    if (!isSchema(map)) continue;
    schema[key] = Object.fromEntries(Object.entries(map).map(([name, own]) => [name, closed(own)]));
  }
  const isOpen = isSchema(schema.properties) && schema.additionalProperties === undefined;
  const isCombined = schema.allOf !== undefined || schema.patternProperties !== undefined;
  return isOpen && !isCombined ? { ...schema, additionalProperties: false } : schema;
}
