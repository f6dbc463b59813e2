/** Configurations with one thing wrong each, and what the complaint must name. */
import { type Case, CONFIG, type Edit } from './malformed-weights.js';

const set =
  (key: string, value: unknown): Edit =>
  ({ config }) =>
    (config[key] = value);

export const inConfig: Case[] = [
  ['a config that is no JSON', ({ json }) => (json[CONFIG] = '{"a": '), /not valid JSON/],
  ['a config that is a list', ({ json }) => (json[CONFIG] = '[]'), /expected a JSON object/],
  [
    'another architecture',
    set('architectures', ['Qwen2ForCausalLM']),
    /architectures.*Qwen2ForCausalLM/,
  ],
  ['an architecture that is a text', set('architectures', 'LlavaQwenForCausalLM'), /architectures/],
  ['a hidden size of text', set('hidden_size', '32'), /"hidden_size".*"32"/],
  ['a hidden size of zero', set('hidden_size', 0), /"hidden_size"/],
  ['another hidden size', set('hidden_size', 64), /\[300,32\].*\[300,64\]/],
  ['too many layers', set('num_hidden_layers', 1e9), /512.*"num_hidden_layers"/],
  [
    'a layer that is not stored',
    set('num_hidden_layers', 2),
    /'blk.1.attn_norm.weight' is missing/,
  ],
  [
    'positions scaled as llama.cpp cannot',
    set('rope_parameters', { rope_type: 'dynamic', factor: 2 }),
    /"rope_parameters.rope_type".*"dynamic"/,
  ],
  [
    'positions scaled without a factor',
    set('rope_parameters', { rope_type: 'yarn' }),
    /"rope_parameters.factor".*missing/,
  ],
  [
    'positions scaled by other constants',
    set('rope_parameters', { rope_type: 'yarn', factor: 4, beta_fast: 8 }),
    /"rope_parameters.beta_fast".*8/,
  ],
  ['heads that do not divide', set('num_attention_heads', 5), /5 heads/],
  ['more key-value heads than heads', set('num_key_value_heads', 4), /4 key-value heads/],
  ['an epsilon of one', set('rms_norm_eps', 1), /"rms_norm_eps"/],
  ['an epsilon that is negative', set('rms_norm_eps', -1e-6), /"rms_norm_eps"/],
  ['a rope base of zero', set('rope_theta', 0), /"rope_theta"/],
  ['no rope base', set('rope_theta', undefined), /"rope_theta".*missing/],
  ['another activation', set('hidden_act', 'gelu'), /"hidden_act"/],
  ['a tied head that is a number', set('tie_word_embeddings', 1), /"tie_word_embeddings"/],
  [
    'an untied head that is missing',
    set('tie_word_embeddings', false),
    /'output.weight' is missing/,
  ],
  ['pinpoints that are no list', set('image_grid_pinpoints', 7), /"image_grid_pinpoints"/],
  ['no pinpoints at all', set('image_grid_pinpoints', []), /"image_grid_pinpoints"/],
  [
    'pinpoints without end',
    set('image_grid_pinpoints', '(1x1),...,(99999x99999)'),
    /"image_grid_pinpoints"/,
  ],
  ['pinpoints off the tile', set('image_grid_pinpoints', [[28, 30]]), /"image_grid_pinpoints"/],
  ['a tower of another size', set('mm_vision_tower', 'siglip-patch14-56'), /4² positions/],
  [
    'a tower of an absurd size',
    set('mm_vision_tower', 'x-patch14-99999999999999999999'),
    /"vision_config.image_size"/,
  ],
  [
    'a tower of another width',
    set('vision_config', { hidden_size: 1152 }),
    /72.*"vision_config.hidden_size"/,
  ],
  [
    'tower heads that do not divide',
    set('vision_config', { num_attention_heads: 7 }),
    /7 vision heads/,
  ],
  ['an end beyond the tokens', set('eos_token_id', 290), /290.*263/],
  ['an end that is a text', set('eos_token_id', '<|im_end|>'), /"eos_token_id"/],
  [
    'a shrinking mode without number',
    set('image_aspect_ratio', 'anyres_max_'),
    /"image_aspect_ratio"/,
  ],
];
