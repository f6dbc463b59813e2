/** Files through the real writer: shards, names, and that a conversion that fails leaves nothing. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { convert } from '../../src/convert/convert.js';
import { readDecoderFile } from '../../src/gguf/decoder-file.js';
import { readGguf } from '../../src/gguf/reader.js';
import {
  bf16Tensor,
  lmmsFiles,
  lmmsTensors,
  safetensorsBytes,
  tiny,
  writeCheckpoint,
} from '../support/safetensors.js';
import { readWritten } from '../support/written.js';

let dir: string;

let outdir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'convert-'));
  outdir = join(dir, 'out');
});

afterEach(() => rmSync(dir, { recursive: true }));

describe('a checkpoint of one block', () => {
  const checkpoint = () => join(dir, 'checkpoint');
  const write = (...contents: [ReturnType<typeof lmmsFiles>?, ReturnType<typeof lmmsTensors>?]) => {
    rmSync(checkpoint(), { recursive: true, force: true });
    mkdirSync(checkpoint());
    writeCheckpoint(checkpoint(), ...contents);
  };

  test('shards give the same files as one', async () => {
    write();
    const single = await convert({ checkpoint: checkpoint(), outdir, name: 'single' });
    const tensors = Object.entries(lmmsTensors());
    const shard = (index: number) => `model-0000${index + 1}-of-00002.safetensors`;
    const half = Math.floor(tensors.length / 2);
    const map: Record<string, string> = {};
    for (const [index, part] of [tensors.slice(0, half), tensors.slice(half)].entries()) {
      writeFileSync(join(checkpoint(), shard(index)), safetensorsBytes(Object.fromEntries(part)));
      for (const [name] of part) map[name] = shard(index);
    }
    writeFileSync(
      join(checkpoint(), 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: map }),
    );
    rmSync(join(checkpoint(), 'model.safetensors'));
    const sharded = await convert({
      checkpoint: checkpoint(),
      outdir: join(dir, 'two'),
      name: 'single',
    });
    for (const part of ['model', 'mmproj'] as const)
      expect(readFileSync(sharded[part].path).equals(readFileSync(single[part].path))).toBe(true);
  });

  test('rows of chunks larger than one read are all there', async () => {
    const tensors = lmmsTensors();
    const nVocab = 80_000; // 5 MB of embeddings: two chunks
    tensors['model.embed_tokens.weight'] = bf16Tensor([nVocab, tiny.nEmbd]);
    write(lmmsFiles(), tensors);
    const fractions: number[] = [];
    const result = await convert({
      checkpoint: checkpoint(),
      outdir,
      outtype: 'bf16',
      onProgress: (f) => fractions.push(f),
    });
    const embeddings = (await readWritten(result)).find(
      ({ name }) => name === 'token_embd.weight',
    )!;
    expect(embeddings.data.equals(tensors['model.embed_tokens.weight']!.data)).toBe(true);
    expect(fractions.every((value, i) => value > (fractions[i - 1] ?? 0))).toBe(true);
    expect(fractions.at(-1)).toBe(1);
  });

  test('names: the folder above one called checkpoint, or as asked; an earlier result is replaced', async () => {
    write();
    const first = await convert({ checkpoint: checkpoint(), outdir: dir });
    expect(first.model.path.endsWith('-f16.gguf')).toBe(true);
    writeFileSync(first.model.path, 'old');
    await convert({ checkpoint: checkpoint(), outdir: dir });
    expect((await readDecoderFile(first.model.path)).nVocab).toBe(tiny.nVocab);
    const named = await convert({ checkpoint: checkpoint(), outdir, name: 'n', outtype: 'q8_0' });
    expect(readdirSync(outdir).sort()).toEqual(['mmproj-n-f16.gguf', 'n-q8_0.gguf']);
    expect((await readGguf(named.mmproj.path)).metadata.get('general.name')).toBe('n');
  });

  const nothingLeft = () => !existsSync(outdir) || readdirSync(outdir).length === 0;

  test.each([
    ['NaN', 0x7fc0, 'f16'],
    ['infinity', 0x7f80, 'f32'],
    ['too large for f16', 0x4780, 'f16'],
  ] as const)('%s: the tensor is named and no file is left', async (_, word, outtype) => {
    const tensors = lmmsTensors();
    const name = 'model.layers.0.mlp.down_proj.weight';
    new Uint16Array(tensors[name]!.data.buffer)[70] = word;
    write(lmmsFiles(), tensors);
    await expect(convert({ checkpoint: checkpoint(), outdir, outtype })).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      tensor: name,
    });
    expect(nothingLeft()).toBe(true);
  });

  test('a truncated file is refused before anything is written', async () => {
    write();
    truncateSync(join(checkpoint(), 'model.safetensors'), 40_000);
    await expect(convert({ checkpoint: checkpoint(), outdir })).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      path: join(checkpoint(), 'model.safetensors'),
    });
    expect(nothingLeft()).toBe(true);
  });

  test('an abort, at any time, rejects with its reason and leaves no file', async () => {
    write();
    const reason = new Error('enough');
    await expect(
      convert({ checkpoint: checkpoint(), outdir, signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    for (const at of [0, 0.1, 0.5, 0.99]) {
      const abort = new AbortController();
      const onProgress = (fraction: number) => fraction >= at && abort.abort(reason);
      await expect(
        convert({ checkpoint: checkpoint(), outdir, signal: abort.signal, onProgress }),
      ).rejects.toBe(reason);
      expect(nothingLeft()).toBe(true);
    }
  });

  test('a failing abort or tensor keeps the files of an earlier conversion', async () => {
    write();
    const { model } = await convert({ checkpoint: checkpoint(), outdir, name: 'kept' });
    const before = readFileSync(model.path);
    const abort = new AbortController();
    const onProgress = () => abort.abort();
    await expect(
      convert({ checkpoint: checkpoint(), outdir, name: 'kept', signal: abort.signal, onProgress }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(readFileSync(model.path).equals(before)).toBe(true);
    expect(readdirSync(outdir)).toHaveLength(2);
  });

  test('an outdir that cannot be made is ERR_WRITE', async () => {
    write();
    const blocked = join(checkpoint(), 'config.json', 'out');
    await expect(convert({ checkpoint: checkpoint(), outdir: blocked })).rejects.toMatchObject({
      code: 'ERR_WRITE',
      path: blocked,
    });
  });

  test.each([
    ['checkpoint', { checkpoint: '' }],
    ['outdir', { outdir: 3 }],
    ['outtype', { outtype: 'q4_K' }],
    ['mmprojOuttype', { mmprojOuttype: 'q4_k_m' }],
    ['mmprojOuttype', { mmprojOuttype: null }],
    ['name', { name: 'a/b' }],
    ['name', { name: '..' }],
  ])('option %s is checked: %j', async (argument, change) => {
    const options = { checkpoint: checkpoint(), outdir, ...change } as Parameters<
      typeof convert
    >[0];
    await expect(convert(options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });
});
