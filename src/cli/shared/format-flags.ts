/** Flags about the shape of an answer: a schema in a file, or any JSON object. */
import type { Command } from 'commander';
import { LlavaError } from '../../errors.js';
import { readInput } from '../../files/read-input.js';
import { jsonSchemaToGrammar } from '../../grammar/json-schema-to-grammar.js';
import type { ResponseFormat } from '../../grammar/response-format.js';

export interface FormatFlags {
  schema?: string;
  jsonObject?: true;
}

export function addFormatOptions(command: Command): Command {
  return command
    .option('--schema <file>', 'the answer is JSON that this JSON schema admits')
    .option('--json-object', 'the answer is a JSON object');
}

/** @throws ERR_INVALID_ARGUMENT for files that cannot be read or are no JSON, signal.reason */
export async function formatOf(
  { schema, jsonObject }: FormatFlags,
  signal: AbortSignal,
): Promise<{
  responseFormat?: ResponseFormat;
}> {
  if (schema !== undefined) return { responseFormat: await schemaFormat(schema, signal) };
  return jsonObject ? { responseFormat: { type: 'json_object' } } : {};
}

/** @throws ERR_INVALID_ARGUMENT, ERR_SCHEMA, signal.reason */
export async function schemaFormat(file: string, signal: AbortSignal): Promise<ResponseFormat> {
  const schema = JSON.parse(await readJson(file, 'a JSON schema', { signal }));
  jsonSchemaToGrammar(schema); // says now what cannot be kept, before a model is loaded
  return { type: 'json_schema', schema };
}

/** The text of a file, or a pipe, that holds JSON. @throws ERR_INVALID_ARGUMENT, signal.reason */
export async function readJson(
  file: string,
  what: string,
  { argument = 'schema', signal }: { argument?: string; signal?: AbortSignal } = {},
): Promise<string> {
  try {
    const text = await readInput(file, { signal });
    JSON.parse(text);
    return text;
  } catch (error) {
    signal?.throwIfAborted();
    throw new LlavaError(
      'ERR_INVALID_ARGUMENT',
      `Expected ${what} in ${file}: ${(error as Error).message}`,
      { argument, expected: what, received: file },
      { cause: error },
    );
  }
}
