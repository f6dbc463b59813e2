/** Rotary positions of config.json as llama.cpp's keys, and what is refused because there is none. */
import { expect, test } from 'vitest';
import { ropeEntries } from '../../../src/convert/rope-entries.js';

const read = (fields: Record<string, unknown>) =>
  Object.fromEntries(
    ropeEntries({ path: 'config.json', fields: { max_position_embeddings: 512, ...fields } }).map(
      ({ key, value }) => [key.replace('qwen2.rope.', ''), value],
    ),
  );

const YARN = { rope_type: 'yarn', factor: 4 };
const scaled = { 'scaling.type': 'yarn', 'scaling.factor': 4 };
const accepted: [object, object][] = [
  [{}, {}],
  [{ rope_type: 'default' }, {}],
  [{ type: 'default', factor: 2 }, {}],
  [
    { rope_type: 'linear', factor: 2 },
    { 'scaling.type': 'linear', 'scaling.factor': 2 },
  ],
  [YARN, { ...scaled, 'scaling.original_context_length': 512 }],
  [
    { ...YARN, original_max_position_embeddings: 128 },
    { ...scaled, 'scaling.original_context_length': 128 },
  ],
  [
    { ...YARN, beta_fast: 32, beta_slow: 1, attention_factor: 1 + Math.log(4) / 10, mscale: null },
    { ...scaled, 'scaling.original_context_length': 512 },
  ],
];

test.each(accepted)('%j, of transformers 5 and before', (scaling, expected) => {
  const found = read({ rope_parameters: { rope_theta: 5000, ...scaling } });
  expect(found).toEqual({ freq_base: 5000, ...expected });
  expect(read({ rope_theta: 5000, rope_scaling: scaling })).toEqual(found);
});

test.each([
  [{ rope_type: 'dynamic', factor: 2 }, /"rope_parameters.rope_type".*"dynamic"/],
  [{ type: 'llama3', factor: 2 }, /"rope_parameters.type".*"llama3"/],
  [{ rope_type: 'linear' }, /"rope_parameters.factor".*missing/],
  [{ rope_type: 'linear', factor: 0.5 }, /at least 1.*"rope_parameters.factor"/],
  [{ ...YARN, beta_fast: 16 }, /32.*"rope_parameters.beta_fast".*16/],
  [{ ...YARN, attention_factor: 1 }, /1\.138.*"rope_parameters.attention_factor"/],
  [{ ...YARN, attention_factor: 'x' }, /"rope_parameters.attention_factor"/],
  [{ ...YARN, mscale: 1 }, /nothing.*"rope_parameters.mscale"/],
  [{ ...YARN, truncate: false }, /"rope_parameters.truncate"/],
  [{ ...YARN, original_max_position_embeddings: 0 }, /original_max_position_embeddings/],
  [7, /an object for "rope_parameters"/],
])('refused: %j', (rope_parameters, message) => {
  const refused = () => read({ rope_theta: 1, rope_parameters });
  expect(refused).toThrow(expect.objectContaining({ code: 'ERR_CHECKPOINT', path: 'config.json' }));
  expect(refused).toThrow(message);
});
