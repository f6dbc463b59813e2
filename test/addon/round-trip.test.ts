/** Every layout in every number format: the f32 files hold the checkpoint's tensors, name by name and bit for bit. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { convert } from '../../src/convert/convert.js';
import { readGguf } from '../../src/gguf/reader.js';
import { toFloats } from '../support/floats.js';
import { createRandom } from '../support/fuzz.js';
import {
  bf16Tensor,
  lmmsFiles,
  lmmsTensors,
  type TestTensor,
  tiny,
  writeCheckpoint,
} from '../support/safetensors.js';
import {
  IN_MEMORY_NAMES,
  LMMS_NAMES,
  type PartNames,
  readSources,
  SAVED_NAMES,
  sourceName,
  withoutSegment,
} from '../support/source-tensors.js';
import { type RewriteOptions, rewriteAsTransformers } from '../support/transformers-layout.js';
import { readWritten } from '../support/written.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'round-trip-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const F32 = { outtype: 'f32', mmprojOuttype: 'f32' } as const;

type Dtype = 'F32' | 'F16' | 'BF16';
/** Bits of the exponent, which are all set in NaN and infinity. */
const EXPONENTS = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 };

/** Any finite values, subnormal ones and negative zeros among them. */
function randomTensor(shape: number[], dtype: Dtype, seed: number): TestTensor {
  const random = createRandom(seed);
  const length = shape.reduce((product, size) => product * size, 1);
  const exponent = EXPONENTS[dtype];
  const finite = () => {
    const bits = random.below(2 ** (dtype === 'F32' ? 32 : 16));
    const rare = random.below(16) === 0 ? bits & ~exponent : bits;
    return (rare & exponent) === exponent ? rare & ~exponent : rare;
  };
  const bits = Array.from({ length }, finite);
  const words = dtype === 'F32' ? Uint32Array.from(bits) : Uint16Array.from(bits);
  return { dtype, shape, data: new Uint8Array(words.buffer) };
}

function randomise(tensors: Record<string, TestTensor>, dtype: Dtype): void {
  for (const [seed, name] of Object.keys(tensors).entries())
    tensors[name] = randomTensor(tensors[name]!.shape, dtype, seed);
}

/** A second decoder block, and a head of its own. */
function someTensors(): Record<string, TestTensor> {
  const tensors = lmmsTensors();
  for (const [name, tensor] of Object.entries(tensors))
    if (name.startsWith('model.layers.0.'))
      tensors[name.replace('layers.0.', 'layers.1.')] = tensor;
  tensors['lm_head.weight'] = bf16Tensor([tiny.nVocab, tiny.nEmbd]);
  return tensors;
}

function someFiles() {
  const files = lmmsFiles();
  files['preprocessor_config.json'] = { size: [28, 28] };
  Object.assign(files['config.json'] as object, {
    tie_word_embeddings: false,
    num_hidden_layers: 2,
    image_grid_pinpoints: [[28, 28]],
  });
  return files;
}

type Write = (folder: string, dtype: Dtype) => unknown;

const asLmms =
  (names: PartNames): Write =>
  (folder, dtype) => {
    const tensors = Object.entries(someTensors()).map(([name, tensor]) => [
      name.replace(LMMS_NAMES.tower, names.tower),
      tensor,
    ]);
    const renamed = Object.fromEntries(tensors);
    randomise(renamed, dtype);
    mkdirSync(folder);
    writeCheckpoint(folder, someFiles(), renamed);
  };

const asTransformers =
  (options: RewriteOptions): Write =>
  async (folder, dtype) => {
    const lmms = join(dir, 'lmms');
    mkdirSync(lmms);
    writeCheckpoint(lmms, someFiles(), someTensors());
    const edit = (_: unknown, tensors: Record<string, TestTensor>) => randomise(tensors, dtype);
    await rewriteAsTransformers(lmms, folder, { ...options, edit });
  };

const layouts: [what: string, write: Write, names: PartNames][] = [
  ['lmms-lab', asLmms(LMMS_NAMES), LMMS_NAMES],
  ['lmms-lab without the segment', asLmms(withoutSegment(LMMS_NAMES)), withoutSegment(LMMS_NAMES)],
  ['transformers', asTransformers({ names: 'saved', nShards: 2 }), SAVED_NAMES],
  [
    'transformers 5',
    asTransformers({ names: 'saved', hasSegment: false, version: 5 }),
    withoutSegment(SAVED_NAMES),
  ],
  ['names in memory', asTransformers({ names: 'in-memory', nShards: 3 }), IN_MEMORY_NAMES],
  [
    'names in memory without the segment',
    asTransformers({ names: 'in-memory', hasSegment: false, version: 5 }),
    withoutSegment(IN_MEMORY_NAMES),
  ],
];

describe.each(layouts)('%s', (_, write, names) => {
  test.each(['F32', 'F16', 'BF16'] as const)('%s', async (dtype) => {
    const checkpoint = join(dir, 'checkpoint');
    await write(checkpoint, dtype);
    const sources = readSources(checkpoint);
    const result = await convert({ checkpoint, outdir: join(dir, 'out'), ...F32 });
    for (const { name, shape, type, data } of await readWritten(result)) {
      const source = sources.get(sourceName(name, names));
      expect(source, name).toMatchObject({ dtype, shape: shape.toReversed() });
      expect(type, name).toBe('f32');
      const expected = Buffer.from(toFloats(dtype, source!.data).buffer);
      expect(data.equals(expected), name).toBe(true);
      sources.delete(sourceName(name, names));
    }
    expect([...sources.keys()].sort()).toEqual([
      `${names.tower}.post_layernorm.bias`,
      `${names.tower}.post_layernorm.weight`,
    ]);
    expect(result.notes.filter((note) => !note.includes('does not split text'))).toEqual([]);
  });
});

test('26 or 27 stored blocks of the tower, with or without its pooling head: the same file', async () => {
  const block = `${LMMS_NAMES.tower}.encoder.layers.`;
  const make = (nBlocks: number, hasPoolingHead: boolean) => {
    const tensors = Object.fromEntries(
      Object.entries(lmmsTensors()).filter(([name]) => !name.startsWith(block)),
    );
    for (let index = 0; index < nBlocks; index++)
      for (const [name, { shape }] of Object.entries(lmmsTensors()))
        if (name.startsWith(`${block}0.`))
          tensors[name.replace(`${block}0.`, `${block}${index}.`)] = bf16Tensor(shape, index);
    if (hasPoolingHead) tensors[`${LMMS_NAMES.tower}.head.probe`] = bf16Tensor([1, 1, 72]);
    return tensors;
  };
  const checkpoint = join(dir, 'checkpoint');
  mkdirSync(checkpoint);
  let first: Buffer | undefined;
  for (const nBlocks of [26, 27])
    for (const hasPoolingHead of [false, true]) {
      writeCheckpoint(checkpoint, lmmsFiles(), make(nBlocks, hasPoolingHead));
      const { mmproj, notes } = await convert({ checkpoint, outdir: dir, name: 'deep', ...F32 });
      const bytes = readFileSync(mmproj.path);
      first ??= bytes;
      expect(bytes.equals(first), `${nBlocks}, ${hasPoolingHead}`).toBe(true);
      expect(notes.filter((note) => note.includes('v.blk.26'))).toHaveLength(nBlocks - 26);
      expect((await readGguf(mmproj.path)).metadata.get('clip.vision.block_count')).toBe(26);
    }
});
