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

/** @throws ERR_MODEL_LOAD  @see src/llama-vocab.cpp `load`, which asserts that no token appears twice */
export async function checkVocabulary(
  gguf: GgufFile,
): Promise<{ nVocab: number; nVocabUsed: number }> {
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
  return { nVocab, nVocabUsed };
}

/** llama.cpp's LLAMA_TOKEN_TYPE_UNUSED. */
const UNUSED = 5;

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
