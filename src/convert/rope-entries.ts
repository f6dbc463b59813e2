/**
 * Rotary positions in llama.cpp's keys: their base, and how they are stretched beyond the length of training. transformers 5 has
 * both in "rope_parameters", earlier versions in "rope_theta" and "rope_scaling".
 * @see transformers modeling_rope_utils.py, conversion/base.py and src/llama-context.cpp (llama.cpp v0.5.0)
 */

import { isRecord } from '../option-checks.js';
import type { GgufEntry } from './gguf-plan.js';
import {
  type JsonFile,
  jsonChoice,
  jsonInteger,
  jsonNumber,
  jsonSection,
  wrongField,
} from './json-file.js';

/** @throws ERR_CHECKPOINT for a kind of scaling that llama.cpp's qwen2 does not have. */
export function ropeEntries(config: JsonFile): GgufEntry[] {
  return [
    { key: 'qwen2.rope.freq_base', type: 'f32', value: ropeBase(config) },
    ...scalingEntries(config),
  ];
}

function ropeBase(config: JsonFile): number {
  const { rope_parameters: fields } = config.fields;
  const file =
    isRecord(fields) && config.fields.rope_theta === undefined
      ? { path: config.path, section: 'rope_parameters', fields }
      : config;
  const value = jsonNumber(file, 'rope_theta');
  if (Math.fround(value) <= 0) throw wrongField(file, 'rope_theta', 'a positive number');
  return value;
}

function scalingEntries(config: JsonFile): GgufEntry[] {
  const [scaling] = ['rope_parameters', 'rope_scaling']
    .map((name) => jsonSection(config, name))
    .filter((section) => scalingType(section) !== 'default');
  if (!scaling) return [];
  const type = scalingType(scaling);
  const factor = jsonNumber(scaling, 'factor');
  if (factor < 1) throw wrongField(scaling, 'factor', 'a number of at least 1');
  const entries: GgufEntry[] = [
    { key: 'qwen2.rope.scaling.type', type: 'string', value: type },
    { key: 'qwen2.rope.scaling.factor', type: 'f32', value: factor },
  ];
  if (type === 'linear') return entries;
  checkYarn(scaling, factor);
  const key = 'original_max_position_embeddings';
  const value = jsonInteger(scaling, key, jsonInteger(config, 'max_position_embeddings'));
  return [...entries, { key: 'qwen2.rope.scaling.original_context_length', type: 'u32', value }];
}

/** "type" is what versions before 4.43 call it. */
function scalingType(scaling: JsonFile): 'default' | 'linear' | 'yarn' {
  return jsonChoice(scaling, (scaling.fields.rope_type ?? null) === null ? 'type' : 'rope_type', {
    allowed: ['default', 'linear', 'yarn'],
    fallback: 'default',
  });
}

/** llama.cpp has these numbers of YaRN as constants for qwen2, equal to transformers' defaults. */
function checkYarn(scaling: JsonFile, factor: number): void {
  const attention = 1 + 0.1 * Math.log(factor);
  const constants = { beta_fast: 32, beta_slow: 1, attention_factor: attention, truncate: true };
  for (const [key, value] of Object.entries({ ...constants, mscale: null, mscale_all_dim: null })) {
    const stated = scaling.fields[key] ?? value;
    const isSame =
      typeof value === 'number' ? Math.abs(Number(stated) - value) < 1e-6 : stated === value;
    if (!isSame)
      throw wrongField(scaling, key, `${value ?? 'nothing'}, all that llama.cpp can do,`);
  }
}
