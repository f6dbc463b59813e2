/** The layouts of transformers: the same weights give the same files as those of lmms-lab, whatever they are called. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import { type ConvertResult, convert } from '../../src/convert/convert.js';
import { readDecoderFile } from '../../src/gguf/decoder-file.js';
import { type GgufFile, type GgufTensor, readGguf } from '../../src/gguf/reader.js';
import { readVisionConfig } from '../../src/vision/vision-config.js';
import { bf16ToFloats, toFloats } from '../support/floats.js';
import { bf16Tensor, lmmsFiles, lmmsTensors, writeCheckpoint } from '../support/safetensors.js';
import { type RewriteOptions, rewriteAsTransformers } from '../support/transformers-layout.js';

const DEMO = join(import.meta.dirname, '../../demo/checkpoint');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'layouts-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function convertRewritten(options: RewriteOptions, source = DEMO): Promise<ConvertResult> {
  const checkpoint = join(dir, 'rewritten');
  await rewriteAsTransformers(source, checkpoint, options);
  const types = { outtype: 'f32', mmprojOuttype: 'f32' } as const;
  return convert({ checkpoint, outdir: join(dir, 'out'), name: 'demo', ...types });
}

function dataOf({ path }: GgufFile, { offset, bytes }: GgufTensor): Buffer {
  return readFileSync(path).subarray(offset, offset + bytes);
}

/** What a checkpoint of another layout may say differently about the same weights. */
const BY_DIALECT = [
  'llavaov.dialect',
  'llavaov.eos_token_ids',
  'clip.vision.image_grid_pinpoints',
  'tokenizer.chat_template',
];

const layouts: [string, RewriteOptions][] = [
  ['llava-hf files', { names: 'saved' }],
  ['transformers 5', { names: 'saved', hasSegment: false, version: 5 }],
  ['in-memory names', { names: 'in-memory', nShards: 3 }],
  ['in-memory names without the segment', { names: 'in-memory', hasSegment: false, version: 5 }],
];

describe.each(layouts)('%s', (_, options) => {
  test('give the same files as the lmms-lab layout, up to dialect', async () => {
    const types = { outtype: 'f32', mmprojOuttype: 'f32' } as const;
    const lmms = await convert({
      checkpoint: DEMO,
      outdir: join(dir, 'a'),
      name: 'demo',
      ...types,
    });
    const other = await convertRewritten(options);
    expect(other.dialect).toBe('transformers');
    expect(other.notes).toEqual(lmms.notes);
    for (const part of ['model', 'mmproj'] as const) {
      const [a, b] = [await readGguf(lmms[part].path), await readGguf(other[part].path)];
      const entries = ({ metadata }: GgufFile) =>
        [...metadata].filter(([key]) => !BY_DIALECT.includes(key));
      expect(entries(b)).toEqual(entries(a));
      const places = ({ tensors }: GgufFile) =>
        tensors.map(({ offset, ...tensor }) => ({ ...tensor, at: offset - tensors[0]!.offset }));
      expect(places(b)).toEqual(places(a));
      const [aData, bData] = [a, b].map((file) =>
        readFileSync(file.path).subarray(file.tensors[0]!.offset),
      );
      expect(bData!.equals(aData!)).toBe(true);
    }
    const [a, b] = [
      await readVisionConfig(lmms.mmproj.path),
      await readVisionConfig(other.mmproj.path),
    ];
    expect(b.dialect).toBe('transformers');
    const sorted = (sizes: readonly { width: number; height: number }[]) =>
      sizes.map(({ width, height }) => `${width}x${height}`).sort();
    expect(sorted(b.pinpoints)).toEqual(sorted(a.pinpoints));
    expect((await readDecoderFile(lmms.model.path)).eosTokens).toEqual([1258, 1256]);
    expect((await readDecoderFile(other.model.path)).eosTokens).toEqual([1258]);
  });
});

describe('towers', () => {
  const extraBlock = (tensors: Record<string, ReturnType<typeof bf16Tensor>>, from: number) => {
    for (const [name, tensor] of Object.entries(tensors))
      if (name.includes(`encoder.layers.${from}.`))
        tensors[name.replace(`layers.${from}.`, `layers.${from + 1}.`)] = tensor;
  };

  test('the last block is left out when the config says so, or does not count it', async () => {
    for (const edit of [
      { num_hidden_layers: 5, vision_feature_layer: -2 },
      { num_hidden_layers: 5, vision_feature_layer: 4 },
      { num_hidden_layers: 4, vision_feature_layer: -1 },
    ]) {
      const { mmproj } = await convertRewritten({
        names: 'saved',
        edit: (config, tensors) => {
          extraBlock(tensors, 3);
          config.vision_feature_layer = edit.vision_feature_layer;
          config.vision_config.num_hidden_layers = edit.num_hidden_layers;
        },
      });
      const { nLayer, nFfn } = await readVisionConfig(mmproj.path);
      expect({ nLayer, nFfn }).toEqual({ nLayer: 4, nFfn: 304 });
      expect(
        (await readGguf(mmproj.path)).tensors.some(({ name }) => name.startsWith('v.blk.4.')),
      ).toBe(false);
    }
  });

  test('a block less than the config says is missed', async () => {
    const edit: RewriteOptions['edit'] = (config) => {
      config.vision_config.num_hidden_layers = 5;
    };
    await expect(convertRewritten({ names: 'saved', edit })).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      tensor: 'v.blk.4.ln1.weight',
    });
  });

  test('pinpoints are (height, width) there and { width, height } here', async () => {
    const { mmproj } = await convertRewritten({
      names: 'saved',
      edit: (config) => {
        config.image_grid_pinpoints = [
          [112, 112],
          [112, 336],
          [224, 112],
        ];
      },
    });
    expect((await readVisionConfig(mmproj.path)).pinpoints).toEqual([
      { width: 112, height: 112 },
      { width: 336, height: 112 },
      { width: 112, height: 224 },
    ]);
  });
});

describe('scaled positions', () => {
  const LINEAR = { rope_type: 'linear', factor: 2 };
  const YARN = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 8192 };

  test.each([
    [4, LINEAR],
    [5, LINEAR],
    [4, YARN],
    [5, YARN],
  ] as const)('of transformers %i are llama.cpp’s: %j', async (version, scaling) => {
    const { model } = await convertRewritten({
      names: 'saved',
      version,
      edit: ({ text_config: config }) => {
        if (version === 4) config.rope_scaling = scaling;
        else Object.assign(config.rope_parameters as object, scaling);
      },
    });
    const { metadata } = await readGguf(model.path);
    expect(metadata.get('qwen2.rope.scaling.type')).toBe(scaling.rope_type);
    expect(metadata.get('qwen2.rope.scaling.factor')).toBe(scaling.factor);
    await readDecoderFile(model.path);
    const options = { gpuLayers: 0, mmap: true, mlock: false, vocabOnly: false };
    const loaded = await native().loadModel({ ...options, path: model.path }, null, null);
    await loaded.dispose();
  });
});

describe('vocabularies and heads', () => {
  test('placeholders for media and padding rows are never sampled', async () => {
    const checkpoint = join(dir, 'padded');
    await rewriteAsTransformers(DEMO, checkpoint, {
      names: 'saved',
      edit: (config, tensors) => {
        const name = 'language_model.model.embed_tokens.weight';
        const [nRows, nEmbd] = tensors[name]!.shape as [number, number];
        const data = Buffer.concat([tensors[name]!.data, bf16Tensor([64, nEmbd]).data]);
        tensors[name] = { dtype: 'BF16', shape: [nRows + 64, nEmbd], data };
        config.text_config.vocab_size = nRows + 64;
      },
    });
    const added = JSON.parse(readFileSync(join(DEMO, 'added_tokens.json'), 'utf8'));
    writeFileSync(
      join(checkpoint, 'added_tokens.json'),
      JSON.stringify({ ...added, '<image>': 1259, '<video>': 1260 }),
    );
    const { model } = await convert({ checkpoint, outdir: dir });
    expect(await readDecoderFile(model.path)).toMatchObject({ nVocab: 1344, nVocabUsed: 1259 });
  });

  test.each(['saved', 'in-memory'] as const)('a head of its own is kept (%s)', async (names) => {
    const lmms = join(dir, 'lmms');
    const files = lmmsFiles();
    files['preprocessor_config.json'] = { size: [28, 28] };
    Object.assign(files['config.json'] as object, {
      tie_word_embeddings: false,
      image_grid_pinpoints: [[28, 28]],
    });
    const tensors = lmmsTensors();
    tensors['lm_head.weight'] = bf16Tensor([300, 32], 7);
    mkdirSync(lmms);
    writeCheckpoint(lmms, files, tensors);
    const result = await convertRewritten({ names }, lmms);
    const file = await readGguf(result.model.path);
    const head = file.tensors.find(({ name }) => name === 'output.weight')!;
    expect(Array.from(toFloats('f32', dataOf(file, head)))).toEqual(
      Array.from(bf16ToFloats(tensors['lm_head.weight'].data)),
    );
  });
});
