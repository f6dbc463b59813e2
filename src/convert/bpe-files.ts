/** Where checkpoints keep their byte-level BPE: tokenizer.json, or vocab.json with merges.txt. */
import { join } from 'node:path';
import { inSlices } from '../in-slices.js';
import { isRecord } from '../option-checks.js';
import { checkpointError } from './checkpoint-error.js';
import { readJsonPieces, readTextFileIfAny } from './json-file.js';

export interface Bpe {
  /** The file it was read from. */
  path: string;
  vocab: [token: string, id: number][];
  merges: string[];
  addedTokens: Record<string, unknown>[];
  notes: string[];
}

/** The pattern llama.cpp applies for `tokenizer.ggml.pre` = "qwen2". @see src/llama-vocab.cpp (v0.5.0) */
const QWEN2_SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** @throws ERR_CHECKPOINT */
export async function readBpe(folder: string): Promise<Bpe> {
  return (await readTokenizerJson(join(folder, 'tokenizer.json'))) ?? readVocabJson(folder);
}

async function readVocabJson(folder: string): Promise<Bpe> {
  const vocabPath = join(folder, 'vocab.json');
  const entries: [string, unknown][] = [];
  const isThere = await readJsonPieces(vocabPath, [''], (piece) => addEntries(entries, piece));
  if (!isThere) throw checkpointError(vocabPath, 'the file is missing.');
  const path = join(folder, 'merges.txt');
  const text = await readTextFileIfAny(path);
  if (text === undefined) throw checkpointError(path, 'the file is missing.');
  const merges: string[] = [];
  await inSlices(text.split('\n'), (line) => {
    const merge = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (merge !== '' && !merge.startsWith('#version')) merges.push(mergeText(path, merge));
  });
  const vocab = await vocabEntries(vocabPath, entries);
  return { path: vocabPath, vocab, merges, addedTokens: [], notes: [] };
}

async function readTokenizerJson(path: string): Promise<Bpe | undefined> {
  const fields: Record<string, unknown> = {};
  const facts: Record<string, unknown> = {};
  const entries: [string, unknown][] = [];
  const pairs: unknown[] = [];
  let hasMerges = false;
  const isThere = await readJsonPieces(path, ['model.vocab', 'model.merges'], (piece) => {
    const { model, ...others } = piece;
    Object.assign(fields, others);
    if (!isRecord(model)) return;
    const { vocab, merges, ...rest } = model;
    Object.assign(facts, rest);
    addEntries(entries, vocab);
    if (!Array.isArray(merges)) return;
    hasMerges = true;
    for (const merge of merges) pairs.push(merge);
  });
  if (!isThere) return undefined;
  if (facts.type !== 'BPE' || !hasMerges)
    throw checkpointError(path, `expected a BPE model with merges but found ${facts.type}.`);
  const added = fields.added_tokens ?? [];
  if (!Array.isArray(added) || !added.every(isRecord))
    throw checkpointError(path, 'expected a list of objects for "added_tokens".');
  const isQwen2 = JSON.stringify(fields.pre_tokenizer ?? '').includes(JSON.stringify(QWEN2_SPLIT));
  const merges: string[] = [];
  await inSlices(pairs, (pair) => merges.push(mergeText(path, pair)));
  return {
    path,
    vocab: await vocabEntries(path, entries),
    merges,
    addedTokens: added,
    notes: isQwen2
      ? []
      : [`${path} does not split text as Qwen2 does, but the converted decoder will.`],
  };
}

function addEntries(entries: [string, unknown][], vocab: unknown): void {
  for (const entry of Object.entries(isRecord(vocab) ? vocab : {})) entries.push(entry);
}

async function vocabEntries(
  path: string,
  entries: [string, unknown][],
): Promise<[string, number][]> {
  const fault = () => checkpointError(path, 'expected a vocabulary from tokens to ids.');
  if (entries.length === 0) throw fault();
  await inSlices(entries, ([, id]) => {
    if (!Number.isSafeInteger(id) || (id as number) < 0) throw fault();
  });
  return entries as [string, number][];
}

/** Merges are "first second", or since 2024 ["first", "second"]. */
function mergeText(path: string, merge: unknown): string {
  const pair = typeof merge === 'string' ? merge.split(' ') : merge;
  const isPiece = (piece: unknown) =>
    typeof piece === 'string' && piece !== '' && !piece.includes(' ');
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(isPiece))
    throw checkpointError(path, `the merge ${JSON.stringify(merge)} is no pair of tokens.`);
  return pair.join(' ');
}
