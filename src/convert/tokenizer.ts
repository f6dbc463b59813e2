/**
 * The vocabulary of a checkpoint as GGUF wants it: one entry per row of the embedding matrix. Reads tokenizer.json, or
 * vocab.json and merges.txt, and the added tokens wherever they are listed. Only byte-level BPE, as Qwen2 has it.
 */
import { join } from 'node:path';
import { isThere } from '../files/is-there.js';
import { inSlices } from '../in-slices.js';
import { isRecord } from '../option-checks.js';
import { type Bpe, readBpe } from './bpe-files.js';
import { checkpointError } from './checkpoint-error.js';
import { type JsonFile, readOptionalJsonFile } from './json-file.js';

/** llama.cpp's token types. @see include/llama.h `enum llama_token_type` (v0.5.0) */
export const tokenTypes = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

export interface Vocabulary {
  /** All distinct; rows without a token are named [PADn]. */
  tokens: string[];
  types: Int32Array;
  /** "first second" each, best first. */
  merges: string[];
  /** Ids from here on are never sampled. */
  nUsed: number;
  ids: ReadonlyMap<string, number>;
  notes: string[];
}

/** Text that UTF-8 and C strings can hold. */
const IS_TOKEN = /^[^\0\p{Surrogate}]+$/u;
/** Stand for media in prompt text; they have no trained embedding. */
const PLACEHOLDERS = ['<image>', '<video>'];

/** @param nRows rows of the embedding matrix. @throws ERR_CHECKPOINT */
export async function readVocabulary(folder: string, nRows: number): Promise<Vocabulary> {
  const bpe = await readBpe(folder);
  const added = await readAddedTokens(folder, bpe);
  const tokens = new Array<string | undefined>(nRows);
  const types = new Int32Array(nRows).fill(tokenTypes.unused);
  const place = (token: string, id: number, type: number) => {
    if (id >= nRows)
      throw checkpointError(
        bpe.path,
        `the token ${JSON.stringify(token)} has id ${id} but the embedding matrix has ${nRows} rows.`,
      );
    if (!IS_TOKEN.test(token))
      throw checkpointError(bpe.path, `the token of id ${id} is empty or no valid text.`);
    if (tokens[id] !== undefined && tokens[id] !== token)
      throw checkpointError(
        bpe.path,
        `the tokens ${JSON.stringify(tokens[id])} and ${JSON.stringify(token)} have the same id ${id}.`,
      );
    tokens[id] = token;
    types[id] = type;
  };
  await inSlices(bpe.vocab, ([token, id]) => place(token, id, tokenTypes.normal));
  for (const [id, { content, special }] of added)
    place(content, id, special ? tokenTypes.control : tokenTypes.userDefined);
  const { names, ids } = await nameEveryRow(bpe.path, tokens);
  const nUsed = countUsed(tokens);
  return { tokens: names, types, merges: bpe.merges, nUsed, ids, notes: bpe.notes };
}

/** ChatML's tokens are not in Qwen2's vocab.json. @throws ERR_CHECKPOINT saying where they could be, and what is not there. */
export function checkSpecials(folder: string, { ids }: Vocabulary): void {
  const missing = ['<|im_start|>', '<|im_end|>'].filter((token) => !ids.has(token));
  if (missing.length === 0) return;
  const files = ['tokenizer.json', 'tokenizer_config.json', 'added_tokens.json'];
  const absent = files.filter((name) => !isThere(join(folder, name)));
  throw checkpointError(
    folder,
    `the tokenizer has no ${missing.join(' and ')}. One of ${files.join(', ')} should list the added tokens` +
      `${absent.length > 0 ? `; missing here: ${absent.join(', ')}` : ''}.`,
  );
}

/** @returns the name of each row, and the rows that a token of the vocabulary has */
async function nameEveryRow(path: string, tokens: readonly (string | undefined)[]) {
  const twice = (token: string) =>
    checkpointError(path, `the token ${JSON.stringify(token)} has two ids.`);
  const ids = new Map<string, number>();
  await inSlices(tokens, (token, id) => {
    if (token === undefined) return;
    if (ids.has(token)) throw twice(token);
    ids.set(token, id);
  });
  const names: string[] = [];
  await inSlices(tokens, (token, id) => {
    const name = token ?? `[PAD${id}]`;
    if (token === undefined && ids.has(name)) throw twice(name);
    names.push(name);
  });
  return { names, ids };
}

/** The reference keeps as many logits as the tokenizer has entries. */
function countUsed(tokens: (string | undefined)[]): number {
  return tokens.findLastIndex((token) => token !== undefined && !PLACEHOLDERS.includes(token)) + 1;
}

interface AddedToken {
  content: string;
  special: boolean;
}

/** By id. Older uploads list them in added_tokens.json alone, newer ones up to three times. */
async function readAddedTokens(folder: string, bpe: Bpe): Promise<Map<number, AddedToken>> {
  const tokens = new Map<number, AddedToken>();
  const plain = await readOptionalJsonFile(join(folder, 'added_tokens.json'));
  for (const [content, id] of Object.entries(plain.fields))
    addEntry(plain, tokens, { id, content, special: /^<.+>$/.test(content) });
  const config = await readOptionalJsonFile(join(folder, 'tokenizer_config.json'));
  const decoder = config.fields.added_tokens_decoder ?? {};
  for (const [id, entry] of Object.entries(isRecord(decoder) ? decoder : {}))
    addEntry(config, tokens, { ...(isRecord(entry) ? entry : {}), id: Number(id) });
  for (const entry of bpe.addedTokens) addEntry(bpe, tokens, entry);
  return tokens;
}

function addEntry(
  file: Pick<JsonFile, 'path'>,
  tokens: Map<number, AddedToken>,
  entry: Record<string, unknown>,
): void {
  const { id, content, special } = entry;
  if (!Number.isSafeInteger(id) || (id as number) < 0 || typeof content !== 'string')
    throw checkpointError(file.path, `the added token ${JSON.stringify(entry)} is malformed.`);
  const earlier = tokens.get(id as number);
  if (earlier && earlier.content !== content)
    throw checkpointError(
      file.path,
      `id ${id} is ${JSON.stringify(content)} here but ${JSON.stringify(earlier.content)} in another file.`,
    );
  tokens.set(id as number, { content, special: special === true });
}
