/** Tokenizer, generation and preprocessor files with one thing wrong each, and what the complaint must name. */
import type { Case, Edit } from './malformed-weights.js';

const tokens =
  (name: string, value: string | Record<string, unknown>): Edit =>
  ({ json }) =>
    (json[name] = value);

export const inDocuments: [file: string, ...Case][] = [
  [
    'vocab.json',
    'a vocabulary that is a list',
    tokens('vocab.json', '["a"]'),
    /expected a JSON object/,
  ],
  [
    'vocab.json',
    'an id that is a text',
    tokens('vocab.json', { a: '1' }),
    /vocabulary from tokens to ids/,
  ],
  ['vocab.json', 'an id beyond the rows', tokens('vocab.json', { a: 300 }), /"a" has id 300/],
  ['vocab.json', 'two tokens of one id', tokens('vocab.json', { a: 1, b: 1 }), /the same id 1/],
  ['vocab.json', 'an empty token', tokens('vocab.json', { a: 0, '': 1 }), /id 1 is empty/],
  [
    'vocab.json',
    'half a character',
    tokens('vocab.json', '{"a": 0, "\\ud800": 1}'),
    /id 1 is empty or no valid text/,
  ],
  [
    'vocab.json',
    'a token with NUL',
    tokens('vocab.json', '{"a\\u0000b": 0}'),
    /id 0 is empty or no valid text/,
  ],
  [
    '',
    'no added tokens in any file',
    ({ json }) => delete json['added_tokens.json'],
    /no <\|im_start\|>.*missing here: .*added_tokens.json/,
  ],
  ['merges.txt', 'a merge of three', tokens('merges.txt', 'a b c\n'), /"a b c"/],
  ['added_tokens.json', 'a negative id', tokens('added_tokens.json', { '<x>': -1 }), /malformed/],
  [
    'tokenizer.json',
    'another kind of tokenizer',
    tokens('tokenizer.json', { model: { type: 'Unigram' } }),
    /BPE.*Unigram/,
  ],
  [
    'tokenizer_config.json',
    'a token under two names',
    tokens('tokenizer_config.json', { added_tokens_decoder: { 261: { content: '<other>' } } }),
    /261.*another file/,
  ],
  [
    'generation_config.json',
    'an end that is an object',
    tokens('generation_config.json', { eos_token_id: {} }),
    /"eos_token_id"/,
  ],
  [
    'generation_config.json',
    'a negative temperature',
    tokens('generation_config.json', { do_sample: true, temperature: -1 }),
    /"temperature"/,
  ],
  [
    'generation_config.json',
    'a share above one',
    tokens('generation_config.json', { do_sample: true, top_p: 1.5 }),
    /"top_p"/,
  ],
  [
    'generation_config.json',
    'a penalty of zero',
    tokens('generation_config.json', { repetition_penalty: 0 }),
    /"repetition_penalty"/,
  ],
  [
    'preprocessor_config.json',
    'tiles that are not square',
    tokens('preprocessor_config.json', { size: { width: 28, height: 56 } }),
    /"size"/,
  ],
  [
    'preprocessor_config.json',
    'two means',
    tokens('preprocessor_config.json', { size: 28, image_mean: [0.5, 0.5] }),
    /"image_mean"/,
  ],
  [
    'preprocessor_config.json',
    'a mean beyond f32',
    tokens('preprocessor_config.json', { size: 28, image_mean: [0.5, 1e39, 0.5] }),
    /"image_mean"/,
  ],
  [
    'preprocessor_config.json',
    'a deviation that is zero in f32',
    tokens('preprocessor_config.json', { size: 28, image_std: [1, 1e-60, 1] }),
    /"image_std"/,
  ],
  [
    'preprocessor_config.json',
    'a deviation of zero',
    tokens('preprocessor_config.json', { size: 28, image_std: [1, 0, 1] }),
    /"image_std"/,
  ],
];
