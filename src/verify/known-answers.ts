/**
 * Tables of known answers: what a model said elsewhere, which converted files are compared with. One JSON file for each of
 * the eight published models, with what all have in common in common.json; a user's own table is one file in the same form.
 * Every part but `name` and `model` may be missing.
 */
import { readdir } from 'node:fs/promises';
import { PACKAGE_ROOT } from '../addon/package-root.js';
import { DIALECTS, type Dialect } from '../dialect.js';
import { invalidArgument } from '../errors.js';
import { readText } from '../files/read-whole.js';
import { isRecord } from '../option-checks.js';
import {
  type Check,
  isCount,
  isHash,
  isId,
  isNumber,
  isSize,
  isText,
  listOf,
  oneOf,
  optional,
  record,
} from '../value-checks.js';
import { PRECISIONS, type Precision } from './bounds.js';

export interface KnownAnswers {
  name: string;
  /** Where the figures come from. */
  source?: string;
  /** Repositories of the model on the hub, "owner/name". */
  repositories?: string[];
  model: { layers: number; embeddingSize: number };
  /** What the reference computed in. Default 'f32'. */
  precision?: Precision;
  /** What the picture's rows and the answers were made in. Default 'llava-next'. */
  dialect?: Dialect;
  tokens?: { text: string; ids: number[] }[];
  /** Ids of the prompt of one picture and a question; -1 stands for the picture. */
  prompts?: { dialect: Dialect; question: string; ids: number[] }[];
  /** Logits of `ids` after each of `tokens`, which begin a prompt; null where they are not known. */
  logits?: { tokens: number[]; ids: number[]; values: (number[] | null)[] };
  picture?: PictureAnswers;
  /** How greedy answers to a question about the picture begin: one of `starts`, or one of the lists of `tokens`. */
  answers?: { question: string; starts?: string[]; tokens?: number[][] }[];
}

export interface PictureAnswers {
  url?: string;
  /** The picture file's hash. */
  sha256?: string;
  width: number;
  height: number;
  /** Overview included. */
  tiles?: number;
  /** [columns, rows] of tiles. */
  grid?: [number, number];
  /** [rows, columns] of the feature map in the end. */
  final?: [number, number];
  /** Visual rows, newlines included. */
  rows?: number;
  /** The first values of some rows. */
  visualRows?: { row: number; values: number[] }[];
}

const FOLDER = `${PACKAGE_ROOT}src/verify/tables/`;
const COMMON = 'common';

/** The published models. */
export async function readBuiltIn(): Promise<KnownAnswers[]> {
  const common = await readJson(`${FOLDER}${COMMON}.json`);
  const names = (await readdir(FOLDER)).map((name) => name.replace(/\.json$/, ''));
  const own = names.filter((name) => name !== COMMON).sort();
  return Promise.all(
    own.map(async (name) => {
      const path = `${FOLDER}${name}.json`;
      return checkTable({ ...common, ...(await readJson(path)) }, path);
    }),
  );
}

/** @throws ERR_INVALID_ARGUMENT for a file that is no table */
export async function readTable(path: string): Promise<KnownAnswers> {
  return checkTable(await readJson(path), path);
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(await readText(path));
  } catch (error) {
    throw invalidArgument('table', `a JSON file (${(error as Error).message})`, path);
  }
  if (!isRecord(value)) throw invalidArgument('table', 'a JSON object in the file', path);
  return value;
}

const isLogits: Check = (value) => {
  const shape = { tokens: listOf(isCount), ids: listOf(isCount), values: Array.isArray };
  if (!record(shape)(value)) return false;
  const { tokens, ids, values } = value as NonNullable<KnownAnswers['logits']>;
  const isRow: Check = (row) => row === null || listOf(isNumber, ids.length)(row);
  return tokens.length > 0 && listOf(isRow, tokens.length)(values);
};

const FIELDS: Record<keyof KnownAnswers, Check> = {
  name: isText,
  source: optional(isText),
  repositories: optional(listOf(isText)),
  model: record({ layers: isSize, embeddingSize: isSize }),
  precision: optional(oneOf(PRECISIONS)),
  dialect: optional(oneOf(DIALECTS)),
  tokens: optional(listOf(record({ text: isText, ids: listOf(isCount) }))),
  prompts: optional(
    listOf(record({ dialect: oneOf(DIALECTS), question: isText, ids: listOf(isId) })),
  ),
  logits: optional(isLogits),
  picture: optional(
    record({
      url: optional(isText),
      sha256: optional(isHash),
      width: isSize,
      height: isSize,
      tiles: optional(isSize),
      rows: optional(isSize),
      grid: optional(listOf(isSize, 2)),
      final: optional(listOf(isCount, 2)),
      visualRows: optional(listOf(record({ row: isCount, values: listOf(isNumber) }))),
    }),
  ),
  answers: optional(
    listOf(
      record({
        question: isText,
        starts: optional(listOf(isText)),
        tokens: optional(listOf(listOf(isCount))),
      }),
    ),
  ),
};

function checkTable(table: Record<string, unknown>, path: string): KnownAnswers {
  const fail = (expected: string) => invalidArgument('table', expected, path);
  for (const key of Object.keys(table))
    if (!(key in FIELDS))
      throw fail(`a file with the fields ${Object.keys(FIELDS).join(', ')}, not "${key}",`);
  for (const [key, check] of Object.entries(FIELDS))
    if (!check(table[key])) throw fail(`a file whose "${key}" is as docs/cli.md says`);
  return table as unknown as KnownAnswers;
}
