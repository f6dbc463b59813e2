// Reading an mmproj: what its keys mean, and that everything malformed is refused by name.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readVisionConfig } from '../../../src/vision/vision-config.js';
import { decoderGguf, ggufBytes, type TestEntry, type TestGguf } from '../../support/gguf.js';
import { mmprojGguf } from '../../support/mmproj.js';

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vision-config-'));
  path = join(folder, 'mmproj.gguf');
});
afterAll(() => rm(folder, { recursive: true }));

async function read(gguf: TestGguf) {
  await writeFile(path, ggufBytes(gguf));
  return readVisionConfig(path);
}

function withEntries(entries: Record<string, TestEntry>, without: string[] = []): TestGguf {
  const gguf = mmprojGguf();
  Object.assign(gguf.entries, entries);
  for (const key of without) delete gguf.entries[key];
  return gguf;
}

describe('a complete file', () => {
  it('without keys of ours has the documented defaults', async () => {
    expect(await read(mmprojGguf())).toEqual({
      checked: { path, identity: expect.any(String) },
      path,
      imageSize: 14,
      patchSize: 4,
      side: 3,
      nEmbd: 8,
      nFfn: 12,
      nHead: 2,
      nLayer: 2,
      nProjection: 6,
      layerNormEpsilon: 2 ** -20,
      imageMean: [0.5, 0.25, 0.125],
      imageStd: [0.5, 0.5, 0.25],
      pinpoints: [
        { width: 14, height: 14 },
        { width: 14, height: 28 },
      ],
      maxTiles: 9,
      dialect: 'llava-next',
      poolMode: 'bilinear',
      poolStride: 2,
      newlineMode: 'one_token',
      tensorBytes: mmprojGguf().tensors.reduce(
        (sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b),
        0,
      ),
    });
  });

  it('with them', async () => {
    const config = await read(
      withEntries({
        'llavaov.version': ['u32', 1],
        'llavaov.dialect': ['string', 'transformers'],
        'llavaov.anyres_max': ['u32', 4],
        'llavaov.pool_mode': ['string', 'average'],
        'llavaov.pool_stride': ['u32', 3],
        'llavaov.newline_position': ['string', 'grid'],
      }),
    );
    expect(config).toMatchObject({
      dialect: 'transformers',
      maxTiles: 4,
      poolMode: 'average',
      poolStride: 3,
      newlineMode: 'grid',
    });
    const plain = await read(withEntries({ 'llavaov.anyres_max': ['u32', 0] }));
    expect(plain.maxTiles).toBeNull();
  });

  it('in the form of old llama.cpp converters', async () => {
    const gguf = withEntries({ 'clip.vision.projector_type': ['string', 'mlp'] }, [
      'clip.projector_type',
    ]);
    for (const tensor of gguf.tensors)
      tensor.name = tensor.name.replace(/ffn_(up|down)/, (_, name) =>
        name === 'up' ? 'ffn_down' : 'ffn_up',
      );
    await expect(read(gguf)).resolves.toMatchObject({ nFfn: 12 });
  });
});

describe('blocks that are run', () => {
  it('are those up to the feature layer, or all but the last', async () => {
    const layer = (entry: TestEntry) => withEntries({ 'clip.vision.feature_layer': entry });
    expect((await read(layer(['i32[]', [1]]))).nLayer).toBe(1);
    expect((await read(withEntries({}, ['clip.vision.feature_layer']))).nLayer).toBe(1);
    const wrong: number[][] = [[0], [3], [-1], [], [1, 2]];
    for (const layers of wrong)
      await expect(read(layer(['i32[]', layers]))).rejects.toThrow('clip.vision.feature_layer');
  });

  it('are the only ones whose tensors must be there, and count as memory', async () => {
    const gguf = withEntries({ 'clip.vision.feature_layer': ['i32[]', [1]] });
    const whole = await read(gguf);
    gguf.tensors = gguf.tensors.filter(({ name }) => !name.startsWith('v.blk.1.'));
    expect(await read(gguf)).toEqual({ ...whole, checked: expect.anything() });
  });
});

describe('refuses', () => {
  it('a decoder, saying so', async () => {
    await expect(read(decoderGguf())).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
      path,
      message: expect.stringMatching(/looks like a decoder \(its architecture is 'qwen2'\)/),
    });
  });

  it.each<[string, TestEntry | null]>([
    ['clip.projector_type', ['string', 'ldp']],
    ['clip.projector_type', null],
    ['clip.vision.mm_patch_merge_type', ['string', 'flat']],
    ['clip.vision.mm_patch_merge_type', null],
    ['clip.vision.image_size', ['u32', 0]],
    ['clip.vision.image_size', ['u32', 1 << 20]],
    ['clip.vision.image_size', ['string', '384']],
    ['clip.vision.patch_size', ['u32', 15]],
    ['clip.vision.embedding_length', null],
    ['clip.vision.feed_forward_length', ['u32', 0]],
    ['clip.vision.block_count', ['u32', 0]],
    ['clip.vision.attention.head_count', ['u32', 0]],
    ['clip.vision.attention.layer_norm_epsilon', null],
    ['clip.vision.image_mean', ['f32[]', [0.5, 0.5]]],
    ['clip.vision.image_mean', ['f32[]', [0.5, 0.5, Number.NaN]]],
    ['clip.vision.image_std', ['f32[]', [0.5, 0.5, 0]]],
    ['clip.vision.image_grid_pinpoints', null],
    ['clip.vision.image_grid_pinpoints', ['i32[]', []]],
    ['clip.vision.image_grid_pinpoints', ['i32[]', [14, 14, 14]]],
    ['clip.vision.image_grid_pinpoints', ['i32[]', [14, 15]]],
    ['clip.vision.image_grid_pinpoints', ['i32[]', [14, -14]]],
    ['clip.vision.image_grid_pinpoints', ['i32[]', [14, 14 * 17]]],
    ['llavaov.version', ['u32', 2]],
    ['llavaov.dialect', ['string', 'llava']],
    ['llavaov.anyres_max', ['i32', -1]],
    ['llavaov.pool_mode', ['string', 'median']],
    ['llavaov.pool_stride', ['u32', 0]],
    ['llavaov.newline_position', ['string', 'none']],
  ])('%s as %j', async (key, entry) => {
    const gguf = entry ? withEntries({ [key]: entry }) : withEntries({}, [key]);
    await expect(read(gguf)).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
      message: expect.stringContaining(key),
    });
  });

  it('a file without a vision tower', async () => {
    const gguf = withEntries({}, ['clip.has_vision_encoder']);
    await expect(read(gguf)).rejects.toThrow('no vision tower');
  });

  it.each<[string, Record<string, TestEntry>]>([
    ['heads that do not divide the width', { 'clip.vision.attention.head_count': ['u32', 3] }],
    ['a foreign head size', { 'clip.vision.attention.head_dim': ['u32', 5] }],
  ])('%s', async (_, entries) => {
    await expect(read(withEntries(entries))).rejects.toThrow('embedding length of 8');
  });

  it('an epsilon out of range', async () => {
    const key = 'clip.vision.attention.layer_norm_epsilon';
    await expect(read(withEntries({ [key]: ['f32', 0] }))).rejects.toThrow('epsilon');
  });

  it.each(mmprojGguf().tensors.map(({ name }) => name))('a file without %s', async (name) => {
    const gguf = mmprojGguf();
    gguf.tensors = gguf.tensors.filter((tensor) => tensor.name !== name);
    await expect(read(gguf)).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
      message: expect.stringContaining(name),
    });
  });

  it.each(mmprojGguf().tensors.map(({ name }) => name))('%s of another shape', async (name) => {
    const gguf = mmprojGguf();
    const tensor = gguf.tensors.find((one) => one.name === name)!;
    tensor.shape = [...tensor.shape.slice(0, -1), tensor.shape.at(-1)! + 1];
    await expect(read(gguf)).rejects.toMatchObject({ code: 'ERR_MODEL_LOAD' });
  });

  it.each([
    ['v.blk.0.attn_q.weight', 'i32'],
    ['v.blk.0.attn_q.bias', 'i32'],
    ['v.position_embd.weight', 'f64'],
  ])('%s of type %s', async (name, type) => {
    const gguf = mmprojGguf();
    gguf.tensors.find((one) => one.name === name)!.type = type;
    await expect(read(gguf)).rejects.toThrow(`'${name}' cannot be of type ${type}`);
  });

  it.each(['v.class_embd', 'v.pre_ln.weight', 'mm.3.weight'])(
    'another kind of tower or projector: %s',
    async (name) => {
      const gguf = mmprojGguf();
      gguf.tensors.push({ name, shape: [8], type: 'f32' });
      await expect(read(gguf)).rejects.toThrow(name);
    },
  );
});
