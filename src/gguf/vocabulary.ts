/** Checks the tokenizer of a decoder GGUF: byte-level BPE with Qwen2's pre-tokenizer. */
import { inSlices } from '../in-slices.js';
import {
  type GgufFile,
  ggufInteger,
  ggufNumbers,
  ggufString,
  ggufStrings,
  modelLoadError,
} from './reader.js';

export interface VocabularyFacts {
  nVocab: number;
  /** Ids from here on are padding rows of the head and must not be sampled. */
  nVocabUsed: number;
  /** Bytes of text that one token stands for at most. */
  longestToken: number;
}

/** @throws ERR_MODEL_LOAD  @see src/llama-vocab.cpp `load`, which asserts that no token appears twice */
export async function checkVocabulary(gguf: GgufFile): Promise<VocabularyFacts> {
  const model = ggufString(gguf, 'tokenizer.ggml.model');
  const pre = ggufString(gguf, 'tokenizer.ggml.pre');
  if (model !== 'gpt2' || pre !== 'qwen2')
    throw modelLoadError(
      gguf.path,
      `its tokenizer is '${model}' with pre-tokenizer '${pre}'; expected 'gpt2' and 'qwen2'.`,
    );
  const tokens = ggufStrings(gguf, 'tokenizer.ggml.tokens');
  const nVocab = tokens.length;
  if (
    nVocab === 0 ||
    ggufInteger(gguf, 'qwen2.vocab_size', { min: 1, max: 2 ** 31 - 1, fallback: nVocab }) !== nVocab
  )
    throw modelLoadError(
      gguf.path,
      `the key 'tokenizer.ggml.tokens' has ${nVocab} entries, not the 'qwen2.vocab_size' of the file.`,
    );
  await checkDistinct(gguf, tokens);
  const types = ggufNumbers(gguf, 'tokenizer.ggml.token_type');
  if (types.length !== nVocab)
    throw modelLoadError(
      gguf.path,
      `the key 'tokenizer.ggml.token_type' has ${types.length} entries for ${nVocab} tokens.`,
    );
  ggufStrings(gguf, 'tokenizer.ggml.merges');
  const firstPadding = types.findLastIndex((type) => type !== UNUSED) + 1;
  const nVocabUsed = ggufInteger(gguf, 'llavaov.vocab_used', {
    min: 1,
    max: nVocab,
    fallback: firstPadding || nVocab,
  });
  return { nVocab, nVocabUsed, longestToken: await longestOf(tokens, types) };
}

/** llama.cpp's LLAMA_TOKEN_TYPE_CONTROL, _USER_DEFINED and _UNUSED. */
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;

/** A character for each byte, except in tokens that are there as they stand in texts. Marks of the template stand in none. */
async function longestOf(tokens: string[], types: ArrayLike<number>): Promise<number> {
  let longest = 1;
  await inSlices(tokens, (token, id) => {
    if (types[id] === CONTROL || types[id] === UNUSED) return;
    const bytes = types[id] === USER_DEFINED ? Buffer.byteLength(token) : token.length;
    longest = Math.max(longest, bytes);
  });
  return longest;
}

async function checkDistinct(gguf: GgufFile, tokens: string[]): Promise<void> {
  const seen = new Map<string, number>();
  await inSlices(tokens, (token, id) => {
    const earlier = seen.get(token);
    if (earlier !== undefined || token === '')
      throw modelLoadError(
        gguf.path,
        `the key 'tokenizer.ggml.tokens' has ${token === '' ? 'an empty token' : `'${token}', the token of ${earlier},`} at ${id}.`,
      );
    seen.set(token, id);
  });
}
