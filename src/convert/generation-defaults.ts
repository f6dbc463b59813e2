/**
 * generation_config.json as GGUF keys: what ends an answer, and how the checkpoint wants to be sampled. Sampling goes
 * under llama.cpp's own keys, so that its tools follow it too.
 * @see src/llama-arch.cpp LLM_KV_GENERAL_SAMPLING_* (llama.cpp v0.5.0)
 */
import { checkpointError } from './checkpoint-error.js';
import type { GgufEntry } from './gguf-plan.js';
import { type JsonFile, jsonBoolean, jsonNumber, wrongField } from './json-file.js';

/** Every id that ends an answer, the preferred one first. @throws ERR_CHECKPOINT */
export function eosTokens(generation: JsonFile, config: JsonFile): number[] {
  const file = (generation.fields.eos_token_id ?? undefined) === undefined ? config : generation;
  const value = file.fields.eos_token_id;
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  if (ids.length === 0 || !ids.every((id) => Number.isSafeInteger(id) && (id as number) >= 0))
    throw wrongField(file, 'eos_token_id', 'a token id or a list of them');
  return [...new Set(ids as number[])];
}

/** @throws ERR_CHECKPOINT for values out of range. */
export function samplingEntries(generation: JsonFile): GgufEntry[] {
  const { fields } = generation;
  const has = (key: string) => (fields[key] ?? undefined) !== undefined;
  const doSample = jsonBoolean(generation, 'do_sample', false);
  const entries: GgufEntry[] = [{ key: 'llavaov.do_sample', type: 'bool', value: doSample }];
  const temperature = doSample ? jsonNumber(generation, 'temperature', 1) : 0;
  if (temperature < 0) throw wrongField(generation, 'temperature', 'a number of at least 0');
  entries.push({ key: 'general.sampling.temp', type: 'f32', value: temperature });
  if (doSample && has('top_k'))
    entries.push({
      key: 'general.sampling.top_k',
      type: 'i32',
      value: topK(generation),
    });
  if (doSample && has('top_p'))
    entries.push({
      key: 'general.sampling.top_p',
      type: 'f32',
      value: topP(generation),
    });
  if (has('repetition_penalty')) {
    const value = jsonNumber(generation, 'repetition_penalty');
    if (value <= 0) throw wrongField(generation, 'repetition_penalty', 'a positive number');
    // -1: the whole answer, as transformers counts it (llama.cpp's default is the last 64 tokens).
    entries.push(
      { key: 'general.sampling.penalty_repeat', type: 'f32', value },
      { key: 'general.sampling.penalty_last_n', type: 'i32', value: -1 },
    );
  }
  return entries;
}

/** 0 is off, as in llama.cpp. */
function topK(generation: JsonFile): number {
  const value = generation.fields.top_k;
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= 2 ** 31)
    throw wrongField(generation, 'top_k', 'a count, or 0 for all');
  return value as number;
}

function topP(generation: JsonFile): number {
  const value = jsonNumber(generation, 'top_p');
  if (value < 0 || value > 1) throw wrongField(generation, 'top_p', 'a number from 0 to 1');
  return value;
}

/** @throws ERR_CHECKPOINT */
export function checkTokenIds(file: JsonFile, ids: number[], nTokens: number): void {
  const outside = ids.find((id) => id >= nTokens);
  if (outside !== undefined)
    throw checkpointError(file.path, `the token id ${outside} is beyond the ${nTokens} tokens.`);
}
