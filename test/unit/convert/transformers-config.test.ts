/** config.json of transformers' checkpoints: what absent fields mean, and what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findLayout } from '../../../src/convert/layouts.js';
import { readTransformersConfig } from '../../../src/convert/transformers-config.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'transformers-config-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** The configuration alone says how many blocks to run. */
const stored = { nBlocks: 99, nEmbd: 1152 };

type Fields = Record<string, unknown>;

function read(fields: Fields, hasHead = true) {
  const config = { path: join(dir, 'config.json'), fields };
  const checkpoint = { path: dir, config, tensors: new Map() };
  return readTransformersConfig(checkpoint, { hasHead, hasPoolingHead: false });
}

function write(name: string, value: unknown): void {
  writeFileSync(join(dir, name), JSON.stringify(value));
}

test('is told by its architecture', () => {
  const fields = { architectures: ['LlavaOnevisionForConditionalGeneration'] };
  expect(findLayout({ path: '', fields }).dialect).toBe('transformers');
});

describe('absent fields have the defaults of transformers 5.18', () => {
  test('no sections at all', async () => {
    const config = await read({});
    expect(config.text.fields).toMatchObject({
      hidden_size: 4096,
      num_hidden_layers: 32,
      num_key_value_heads: 32,
      rms_norm_eps: 1e-6,
      rope_theta: 10000,
      max_position_embeddings: 32768,
    });
    expect(config.tower.fields).toMatchObject({ hidden_size: 1152, num_attention_heads: 16 });
    expect(config.countBlocks(stored)).toBe(26);
    const { pinpoints, ...anyres } = config.anyres(384);
    expect(anyres).toEqual({ maxTiles: 9, newlinePosition: 'one_token', poolMode: 'bilinear' });
    expect(pinpoints).toHaveLength(36);
    expect(pinpoints.slice(0, 2)).toEqual([
      [384, 384],
      [768, 384],
    ]);
  });

  test('sections that state some', async () => {
    const config = await read({
      text_config: {
        num_attention_heads: 8,
        num_key_value_heads: null,
        rope_parameters: { rope_theta: 5 },
      },
      vision_config: { num_hidden_layers: 5 },
      vision_aspect_ratio: 'anyres',
      image_grid_pinpoints: [[56, 28]],
      vision_feature_layer: -2,
    });
    expect(config.text.fields).toMatchObject({ num_key_value_heads: 8, hidden_size: 4096 });
    expect(config.text.fields).not.toHaveProperty('rope_theta');
    expect(config.tower.fields).toMatchObject({ image_size: 224, num_attention_heads: 12 });
    expect(config.countBlocks(stored)).toBe(4);
    expect(config.anyres(28)).toMatchObject({ maxTiles: 0, pinpoints: [[28, 56]] });
  });

  test.each([
    [{}, true, false],
    [{}, false, true],
    [{ tie_word_embeddings: false, text_config: { tie_word_embeddings: true } }, true, true],
    [{ tie_word_embeddings: true, text_config: { tie_word_embeddings: false } }, true, true],
    [{ tie_word_embeddings: false }, true, false],
    [{ tie_word_embeddings: true }, false, true],
  ])('%j with a head stored: %s gives a tied head: %s', async (fields, hasHead, isTied) => {
    expect((await read(fields, hasHead)).isTied).toBe(isTied);
  });

  test('a tied head that only its absence tells of is noted', async () => {
    const noted = async (fields: Fields, hasHead: boolean) =>
      (await read(fields, hasHead)).notes.filter((note) => note.includes('tie_word_embeddings'));
    expect(await noted({}, false)).toHaveLength(1);
    expect(await noted({}, true)).toEqual([]);
    expect(await noted({ tie_word_embeddings: true }, false)).toEqual([]);
  });
});

describe('the image processor', () => {
  test('is preprocessor_config.json, with its own default mean', async () => {
    write('preprocessor_config.json', { size: { height: 28, width: 28 } });
    const { preprocessor, defaultMean, notes } = await read({});
    expect(preprocessor.fields.size).toEqual({ height: 28, width: 28 });
    expect(defaultMean[0]).toBe(0.48145466);
    expect(notes).toEqual([]);
  });

  test('or a section of processor_config.json, whose pinpoints count when config.json has none', async () => {
    write('processor_config.json', { image_processor: { image_grid_pinpoints: [[28, 56]] } });
    expect((await read({})).anyres(28).pinpoints).toEqual([[56, 28]]);
  });

  test('or nothing, which is noted', async () => {
    write('processor_config.json', { num_image_tokens: 729 });
    const { defaultMean, notes } = await read({});
    expect(defaultMean).toEqual([0.5, 0.5, 0.5]);
    expect(notes.join()).toMatch(/no preprocessor_config\.json/);
  });
});

describe('refused', () => {
  const cases: [Fields, RegExp][] = [
    [{ text_config: 3 }, /an object for "text_config"/],
    [{ text_config: { model_type: 'llama' } }, /"text_config.model_type"/],
    [{ text_config: { layer_types: ['sliding_attention'] } }, /"text_config.layer_types"/],
    [{ vision_config: { model_type: 'clip_vision_model' } }, /"vision_config.model_type"/],
    [{ vision_config: { hidden_act: 'quick_gelu' } }, /"vision_config.hidden_act"/],
    [{ projector_hidden_act: 'silu' }, /"projector_hidden_act"/],
    [{ multimodal_projector_bias: false }, /"multimodal_projector_bias"/],
    [{ vision_feature_select_strategy: 'default' }, /"vision_feature_select_strategy"/],
    [{ tie_word_embeddings: 'yes' }, /"tie_word_embeddings"/],
  ];
  test.each(cases)('%j', async (fields, message) => {
    const error = await read(fields).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINT' });
    expect(error.message).toMatch(message);
  });

  test.each([[[-1, -2]], [-28], [0], [1.5], ['last']])('feature layer %j', async (layer) => {
    const config = await read({ vision_feature_layer: layer });
    expect(() => config.countBlocks(stored)).toThrow(/vision_feature_layer/);
  });

  test('a head of its own that is not stored', async () => {
    for (const fields of [
      { tie_word_embeddings: false },
      { text_config: { tie_word_embeddings: false } },
    ])
      await expect(read(fields, false)).rejects.toMatchObject({
        code: 'ERR_CHECKPOINT',
        tensor: 'output.weight',
        message: expect.stringContaining('lm_head.weight'),
      });
  });

  test('other modes, pinpoints off the tile', async () => {
    const config = await read({ vision_aspect_ratio: 'pad' });
    expect(() => config.anyres(384)).toThrow(/vision_aspect_ratio/);
    const other = await read({ image_grid_pinpoints: [[384, 100]] });
    expect(() => other.anyres(384)).toThrow(/tile size 384/);
  });
});
