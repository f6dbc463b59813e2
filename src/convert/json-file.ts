/** JSON files of a checkpoint and typed lookups in them; what does not fit is an ERR_CHECKPOINT naming file and field. */
import type { LlavaError } from '../errors.js';
import { describeForeign } from '../files/foreign-file.js';
import { MAX_TEXT_BYTES, readWhole } from '../files/read-whole.js';
import { isRecord } from '../option-checks.js';
import { checkpointError } from './checkpoint-error.js';
import { jsonPieces } from './json-pieces.js';
import { MAX_JSON_DEPTH, surveyJson } from './json-survey.js';

export interface JsonFile {
  path: string;
  /** The field whose object `fields` are, where they are not the file's own. */
  section?: string;
  fields: Record<string, unknown>;
}

/** @throws ERR_CHECKPOINT when the file is missing or no JSON object. */
export async function readJsonFile(path: string): Promise<JsonFile> {
  const file = await readJsonFileIfAny(path);
  if (!file) throw checkpointError(path, 'the file is missing.');
  return file;
}

/** An absent file is an object without fields. @throws ERR_CHECKPOINT when it is no JSON object. */
export async function readOptionalJsonFile(path: string): Promise<JsonFile> {
  return (await readJsonFileIfAny(path)) ?? { path, fields: {} };
}

/** @throws ERR_CHECKPOINT when the file is there but no JSON object. */
export async function readJsonFileIfAny(path: string): Promise<JsonFile | undefined> {
  const text = await readTextFileIfAny(path);
  if (text === undefined) return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (cause) {
    throw notJson(path, Buffer.from(text), cause as Error);
  }
  if (!isRecord(fields)) throw checkpointError(path, 'expected a JSON object.');
  const { depth } = surveyJson(text);
  if (depth > MAX_JSON_DEPTH) throw checkpointError(path, `its values nest ${depth} deep.`);
  return { path, fields };
}

/**
 * The same for a long file, in pieces: each has some members of the containers that `paths` names (json-pieces.ts) and, in one
 * of them, each other member. @returns false without the file. @throws ERR_CHECKPOINT
 */
export async function readJsonPieces(
  path: string,
  paths: readonly string[],
  take: (piece: Record<string, unknown>) => void,
): Promise<boolean> {
  const text = await readFileIfAny(path);
  if (text === undefined) return false;
  try {
    for await (const piece of jsonPieces(text, paths)) {
      if (!isRecord(piece)) throw checkpointError(path, 'expected a JSON object.');
      take(piece);
    }
  } catch (cause) {
    if (cause instanceof RangeError) throw checkpointError(path, `${cause.message}.`, { cause });
    if (!(cause instanceof SyntaxError)) throw cause;
    throw notJson(path, text, cause);
  }
  return true;
}

function notJson(path: string, text: Buffer, cause: Error): LlavaError {
  const foreign = describeForeign(text);
  if (foreign) return checkpointError(path, `not a JSON file: ${foreign}`, { cause });
  return checkpointError(path, `not valid JSON (${cause.message}).`, { cause });
}

/** @throws ERR_CHECKPOINT when the file is there but cannot be read. */
export async function readTextFileIfAny(path: string): Promise<string | undefined> {
  return (await readFileIfAny(path))?.toString();
}

async function readFileIfAny(path: string): Promise<Buffer | undefined> {
  try {
    return await readWhole(path, { maxBytes: MAX_TEXT_BYTES });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw checkpointError(path, (cause as Error).message, { cause });
  }
}

/** The object under a field, an absent or null one being empty. @throws ERR_CHECKPOINT */
export function jsonSection(file: JsonFile, section: string): JsonFile {
  const fields = file.fields[section] ?? {};
  if (!isRecord(fields)) throw wrongField(file, section, 'an object');
  return { path: file.path, section, fields };
}

/** A positive integer. @throws ERR_CHECKPOINT */
export function jsonInteger(file: JsonFile, key: string, fallback?: number): number {
  const value = file.fields[key] ?? fallback;
  if (!Number.isSafeInteger(value) || (value as number) <= 0)
    throw wrongField(file, key, 'a positive integer');
  return value as number;
}

/** A token id, or undefined when the field is absent or null. @throws ERR_CHECKPOINT */
export function jsonTokenId(file: JsonFile, key: string): number | undefined {
  const value = file.fields[key] ?? undefined;
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw wrongField(file, key, 'a token id');
  return value as number;
}

/** A number that f32 can hold, as GGUF files do. @throws ERR_CHECKPOINT */
export function jsonNumber(file: JsonFile, key: string, fallback?: number): number {
  const value = file.fields[key] ?? fallback;
  if (!isFloat(value)) throw wrongField(file, key, 'a number within f32');
  return value;
}

/** A number that is not infinite in f32. */
export function isFloat(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(Math.fround(value));
}

/** A norm's epsilon: over 0 and below 1. @throws ERR_CHECKPOINT */
export function jsonEpsilon(file: JsonFile, key: string, fallback?: number): number {
  const value = jsonNumber(file, key, fallback);
  if (!(Math.fround(value) > 0 && value < 1))
    throw wrongField(file, key, 'a number between 0 and 1');
  return value;
}

/** @throws ERR_CHECKPOINT */
export function jsonBoolean(file: JsonFile, key: string, fallback: boolean): boolean {
  const value = file.fields[key] ?? fallback;
  if (typeof value !== 'boolean') throw wrongField(file, key, 'true or false');
  return value;
}

/** One of `allowed`. @throws ERR_CHECKPOINT */
export function jsonChoice<T extends string>(
  file: JsonFile,
  key: string,
  choice: { allowed: readonly T[]; fallback?: T },
): T {
  const value = file.fields[key] ?? choice.fallback;
  const found = choice.allowed.find((name) => name === value);
  if (found === undefined)
    throw wrongField(file, key, choice.allowed.map((name) => `'${name}'`).join(' or '));
  return found;
}

export function wrongField(file: JsonFile, key: string, expected: string): LlavaError {
  const value = JSON.stringify(file.fields[key]) ?? 'missing';
  const found = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  const name = file.section === undefined ? key : `${file.section}.${key}`;
  return checkpointError(file.path, `expected ${expected} for "${name}" but it is ${found}.`);
}
