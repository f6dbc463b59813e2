/** ERR_SCHEMA: a schema that cannot be kept, with the place and the keyword, and what to write instead. */
import { LlavaError } from '../errors.js';

/** @param pointer JSON pointer of the schema that holds `keyword`. */
export function schemaError(
  pointer: string,
  keyword: string,
  message: string,
  options?: ErrorOptions,
): LlavaError {
  const place = pointer === '' ? 'the schema' : `the schema at ${pointer}`;
  return new LlavaError(
    'ERR_SCHEMA',
    `"${keyword}" of ${place} cannot be kept: ${message}`,
    { pointer, keyword },
    options,
  );
}

export function isSchemaError(error: unknown): error is LlavaError {
  return error instanceof LlavaError && error.code === 'ERR_SCHEMA';
}
