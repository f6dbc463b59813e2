/** Where checkpoints keep their byte-level BPE: tokenizer.json, or vocab.json with merges.txt. */
import { join } from 'node:path';
import { isRecord } from '../option-checks.js';
import { checkpointError } from './checkpoint-error.js';
import { type JsonFile, readJsonFile, readJsonFileIfAny, readTextFileIfAny } from './json-file.js';

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
  const file = await readJsonFileIfAny(join(folder, 'tokenizer.json'));
  if (file) return fromTokenizerJson(file);
  const vocab = await readJsonFile(join(folder, 'vocab.json'));
  const path = join(folder, 'merges.txt');
  const text = await readTextFileIfAny(path);
  if (text === undefined) throw checkpointError(path, 'the file is missing.');
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#version'));
  return {
    path: vocab.path,
    vocab: vocabEntries(vocab.path, vocab.fields),
    merges: lines.map((line) => mergeText(path, line)),
    addedTokens: [],
    notes: [],
  };
}

function fromTokenizerJson(file: JsonFile): Bpe {
  const { path, fields } = file;
  const model = isRecord(fields.model) ? fields.model : {};
  if (model.type !== 'BPE' || !Array.isArray(model.merges))
    throw checkpointError(path, `expected a BPE model with merges but found ${model.type}.`);
  const added = fields.added_tokens ?? [];
  if (!Array.isArray(added) || !added.every(isRecord))
    throw checkpointError(path, 'expected a list of objects for "added_tokens".');
  const isQwen2 = JSON.stringify(fields.pre_tokenizer ?? '').includes(JSON.stringify(QWEN2_SPLIT));
  return {
    path,
    vocab: vocabEntries(path, model.vocab),
    merges: model.merges.map((merge) => mergeText(path, merge)),
    addedTokens: added,
    notes: isQwen2
      ? []
      : [`${path} does not split text as Qwen2 does, but the converted decoder will.`],
  };
}

function vocabEntries(path: string, vocab: unknown): [string, number][] {
  const entries = Object.entries(isRecord(vocab) ? vocab : {});
  const isId = (id: unknown) => Number.isSafeInteger(id) && (id as number) >= 0;
  if (entries.length === 0 || !entries.every(([, id]) => isId(id)))
    throw checkpointError(path, 'expected a vocabulary from tokens to ids.');
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
