/** Flags about the shape of an answer: a schema in a file, or any JSON object. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { LlavaError } from '../../errors.js';
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

/** @throws ERR_INVALID_ARGUMENT for files that cannot be read or are no JSON */
export async function formatOf({ schema, jsonObject }: FormatFlags): Promise<{
  responseFormat?: ResponseFormat;
}> {
  if (schema !== undefined) return { responseFormat: await schemaFormat(schema) };
  return jsonObject ? { responseFormat: { type: 'json_object' } } : {};
}

/** @throws ERR_INVALID_ARGUMENT, ERR_SCHEMA */
export async function schemaFormat(file: string): Promise<ResponseFormat> {
  const schema = JSON.parse(await readJson(file, 'a JSON schema'));
  jsonSchemaToGrammar(schema); // says now what cannot be kept, before a model is loaded
  return { type: 'json_schema', schema };
}

/** The text of a file that holds JSON. @throws ERR_INVALID_ARGUMENT */
export async function readJson(file: string, what: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    JSON.parse(text);
    return text;
  } catch (error) {
    throw new LlavaError(
      'ERR_INVALID_ARGUMENT',
      `Expected ${what} in ${file}: ${(error as Error).message}`,
      { argument: 'schema', expected: what, received: file },
      { cause: error },
    );
  }
}
