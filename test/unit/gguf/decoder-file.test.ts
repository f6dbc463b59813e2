import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readDecoderFile } from '../../../src/gguf/decoder-file.js';
import { decoderGguf, ggufBytes, type TestEntry, type TestGguf } from '../../support/gguf.js';

const dir = mkdtempSync(join(tmpdir(), 'decoder-file-'));
afterAll(() => rmSync(dir, { recursive: true }));

function read(gguf: TestGguf, name = 'decoder.gguf') {
  const path = join(dir, name);
  writeFileSync(path, ggufBytes(gguf));
  return readDecoderFile(path);
}

function edited(edit: (gguf: TestGguf) => void): TestGguf {
  const gguf = decoderGguf();
  edit(gguf);
  return gguf;
}

describe('readDecoderFile', () => {
  test('reads sizes, vocabulary and defaults of a plain file', async () => {
    expect(await read(decoderGguf())).toMatchObject({
      nLayer: 1,
      nEmbd: 8,
      nHead: 2,
      nHeadKv: 1,
      headDim: 4,
      nFfn: 16,
      nVocab: 4,
      nVocabUsed: 3,
      longestToken: 1,
      nCtxTrain: 64,
      eosTokens: [2],
      sampling: {},
    });
  });

  test('knows the longest text of a token', async () => {
    const entries = {
      'tokenizer.ggml.tokens': ['string[]', ['a', '\u0120\u0120b', '<|im_end|>', '\u00e9\u00e9']],
      'tokenizer.ggml.token_type': ['i32[]', [1, 1, 3, 4]],
    } satisfies Record<string, TestEntry>;
    const file = await read(edited((gguf) => Object.assign(gguf.entries, entries)));
    expect(file.longestToken).toBe(4);
  });

  test('reads what the converter adds', async () => {
    const file = await read(
      edited(({ entries }) =>
        Object.assign(entries, {
          'llavaov.vocab_used': ['u32', 2],
          'llavaov.eos_token_ids': ['i32[]', [2, 0]],
          'llavaov.do_sample': ['bool', true],
          'general.sampling.temp': ['f32', 0.5],
          'general.sampling.top_k': ['i32', 20],
          'general.sampling.penalty_repeat': ['f32', 1.25],
        } satisfies Record<string, TestEntry>),
      ),
    );
    expect(file).toMatchObject({ nVocabUsed: 2, eosTokens: [2, 0] });
    expect(file.sampling).toEqual({
      temperature: 0.5,
      topK: 20,
      repetitionPenalty: 1.25,
      doSample: true,
    });
  });

  test('counts the bytes of quantised matrices', async () => {
    const plain = await read(decoderGguf());
    const half = await read(
      edited(({ tensors }) => {
        tensors.find(({ name }) => name === 'blk.0.ffn_up.weight')!.type = 'f16';
      }),
    );
    expect(plain.tensorBytes - half.tensorBytes).toBe(8 * 16 * 2);
  });

  const key = (name: string, entry: TestEntry) => (gguf: TestGguf) => {
    gguf.entries[name] = entry;
  };
  const tensor = (name: string, change: Partial<TestGguf['tensors'][0]>) => (gguf: TestGguf) => {
    Object.assign(gguf.tensors.find((candidate) => candidate.name === name)!, change);
  };
  const without = (name: string) => (gguf: TestGguf) => {
    gguf.tensors = gguf.tensors.filter((candidate) => candidate.name !== name);
    delete gguf.entries[name];
  };
  const cases: [what: string, edit: (gguf: TestGguf) => void, message: RegExp][] = [
    ['mmproj', key('general.architecture', ['string', 'clip']), /mmproj/],
    ['another architecture', key('general.architecture', ['string', 'llama']), /'llama'.*'qwen2'/],
    ['missing size', without('qwen2.block_count'), /'qwen2.block_count' is missing/],
    ['no layers', key('qwen2.block_count', ['u32', 0]), /block_count/],
    ['too many layers', key('qwen2.block_count', ['u32', 513]), /block_count.*1 to 512/],
    ['a size per layer', key('qwen2.feed_forward_length', ['u32[]', [16]]), /feed_forward_length/],
    ['heads that do not divide', key('qwen2.attention.head_count', ['u32', 3]), /3 heads/],
    ['more key-value heads', key('qwen2.attention.head_count_kv', ['u32', 4]), /head_count_kv/],
    ['another head size', key('qwen2.attention.key_length', ['u32', 8]), /key_length/],
    ['partial rope', key('qwen2.rope.dimension_count', ['u32', 2]), /dimension_count/],
    ['unknown rope scaling', key('qwen2.rope.scaling.type', ['string', 'odd']), /'odd'/],
    ['experts', key('qwen2.expert_count', ['u32', 8]), /expert_count/],
    [
      'a file type beyond the enumeration',
      key('general.file_type', ['u32', 0xffffff]),
      /file_type/,
    ],
    ['not causal', key('qwen2.attention.causal', ['bool', false]), /causal/],
    ['another tokenizer', key('tokenizer.ggml.model', ['string', 'llama']), /'llama'/],
    [
      'one token twice',
      key('tokenizer.ggml.tokens', ['string[]', ['a', 'b', 'a', 'c']]),
      /'a'.*at 2/,
    ],
    ['empty token', key('tokenizer.ggml.tokens', ['string[]', ['a', '', 'b', 'c']]), /empty.*at 1/],
    ['too few types', key('tokenizer.ggml.token_type', ['i32[]', [1]]), /1 entries for 4/],
    ['no merges', without('tokenizer.ggml.merges'), /merges' is missing/],
    ['another vocabulary size', key('qwen2.vocab_size', ['u32', 9]), /4 entries/],
    ['too many ids used', key('llavaov.vocab_used', ['u32', 5]), /vocab_used/],
    ['eos out of range', key('tokenizer.ggml.eos_token_id', ['u32', 4]), /eos_token_id/],
    ['eos list out of range', key('llavaov.eos_token_ids', ['i32[]', [-1]]), /eos_token_ids/],
    ['missing tensor', without('blk.0.attn_k.bias'), /'blk.0.attn_k.bias' is missing/],
    [
      'misshapen tensor',
      tensor('blk.0.ffn_up.weight', { shape: [16, 8] }),
      /'blk.0.ffn_up.weight' has shape/,
    ],
    [
      'misshapen head',
      (gguf) => gguf.tensors.push({ name: 'output.weight', shape: [8, 5], type: 'f32' }),
      /'output.weight'/,
    ],
    ['norm in f16', tensor('output_norm.weight', { type: 'f16' }), /'output_norm.weight'.*f16/],
    [
      'matrix of integers',
      tensor('token_embd.weight', { type: 'i32' }),
      /'token_embd.weight'.*i32/,
    ],
  ];
  test.each(cases)('refuses: %s', async (_, edit, message) => {
    const error = await read(edited(edit)).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_MODEL_LOAD', path: join(dir, 'decoder.gguf') });
    expect(error.message).toMatch(message);
  });
});

describe('split files', () => {
  const name = (index: number) => `split-0000${index + 1}-of-00002.gguf`;
  const parts = () => {
    const { entries, tensors } = decoderGguf();
    const split = (index: number): Record<string, TestEntry> => ({
      'split.no': ['u16', index],
      'split.count': ['u16', 2],
      'split.tensors.count': ['i32', tensors.length],
    });
    return [
      { entries: { ...entries, ...split(0) }, tensors: tensors.slice(0, 5) },
      { entries: split(1), tensors: tensors.slice(5) },
    ] as [TestGguf, TestGguf];
  };
  const readParts = ([first, second]: [TestGguf, TestGguf]) => {
    writeFileSync(join(dir, name(1)), ggufBytes(second));
    return read(first, name(0));
  };

  test('are read as one', async () => {
    const whole = await read(decoderGguf());
    expect(await readParts(parts())).toMatchObject({ tensorBytes: whole.tensorBytes, nVocab: 4 });
  });

  test.each<[string, TestEntry, TestEntry]>([
    ['general.source.sha256', ['string', 'a'.repeat(64)], ['string', 'b'.repeat(64)]],
    ['general.file_type', ['u32', 1], ['u32', 7]],
    ['split.count', ['u16', 2], ['u16', 3]],
    ['split.tensors.count', ['i32', decoderGguf().tensors.length], ['i32', 99]],
  ])('of two conversions are refused: %s', async (key, one, other) => {
    const mixed = parts();
    mixed[0].entries[key] = one;
    await readParts(mixed);
    mixed[1].entries[key] = one;
    await readParts(mixed);
    mixed[1].entries[key] = other;
    await expect(readParts(mixed)).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
      path: join(dir, name(1)),
      message: expect.stringMatching(`belongs to another file.*'${key}'`),
    });
  });

  test('must be named and numbered as llama.cpp expects', async () => {
    await expect(read(parts()[0], 'renamed.gguf')).rejects.toThrow(/-00001-of-00002\.gguf/);
    const wrongNumber = parts();
    wrongNumber[1].entries['split.no'] = ['u16', 0];
    await expect(readParts(wrongNumber)).rejects.toThrow(/'split.no'/);
    const wrongType = parts();
    wrongType[1].entries['split.no'] = ['u32', 1];
    await expect(readParts(wrongType)).rejects.toThrow(/'split.no'.*u16/);
    const fewer = parts();
    fewer[1].tensors.pop();
    await expect(readParts(fewer)).rejects.toThrow(/split\.tensors\.count/);
    rmSync(join(dir, name(1)));
    await expect(read(parts()[0], name(0))).rejects.toMatchObject({ path: join(dir, name(1)) });
  });
});
