import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readVocabulary, tokenTypes } from '../../../src/convert/tokenizer.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tokenizer-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function write(files: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(files))
    writeFileSync(join(dir, name), typeof value === 'string' ? value : JSON.stringify(value));
}

const vocab = { a: 0, b: 1, ab: 2, Ġ: 3 };
const { normal, control, userDefined, unused } = tokenTypes;
const tokenizerJson = (change: object = {}, model: object = {}) => ({
  added_tokens: [
    { id: 4, content: '<|im_end|>', special: true },
    { id: 5, content: 'plain', special: false },
  ],
  model: { type: 'BPE', vocab, merges: ['a b'], ...model },
  ...change,
});

describe('readVocabulary', () => {
  test('fills every row: tokens, added tokens, padding', async () => {
    write({ 'tokenizer.json': tokenizerJson() });
    const { tokens, types, merges, nUsed, ids } = await readVocabulary(dir, 8);
    expect(tokens).toEqual(['a', 'b', 'ab', 'Ġ', '<|im_end|>', 'plain', '[PAD6]', '[PAD7]']);
    const plain = [normal, normal, normal, normal];
    expect([...types]).toEqual([...plain, control, userDefined, unused, unused]);
    expect(merges).toEqual(['a b']);
    expect(nUsed).toBe(6);
    expect(ids.get('<|im_end|>')).toBe(4);
    expect(ids.has('[PAD6]')).toBe(false);
  });

  test('reads merges written as pairs', async () => {
    write({
      'tokenizer.json': tokenizerJson(
        {},
        {
          merges: [
            ['a', 'b'],
            ['Ġ', 'a'],
          ],
        },
      ),
    });
    expect((await readVocabulary(dir, 8)).merges).toEqual(['a b', 'Ġ a']);
  });

  test('reads vocab.json, merges.txt and added_tokens.json to the same result', async () => {
    write({
      'tokenizer.json': tokenizerJson({
        added_tokens: [{ id: 4, content: '<|im_end|>', special: true }],
      }),
    });
    const expected = await readVocabulary(dir, 6);
    rmSync(join(dir, 'tokenizer.json'));
    write({
      'vocab.json': vocab,
      'merges.txt': '#version: 0.2\r\na b\r\n',
      'added_tokens.json': { '<|im_end|>': 4 },
    });
    expect(await readVocabulary(dir, 6)).toEqual({ ...expected, notes: [] });
  });

  test('a merge that starts with # is no comment', async () => {
    write({ 'vocab.json': vocab, 'merges.txt': '#version: 0.2\n# #\n' });
    expect((await readVocabulary(dir, 4)).merges).toEqual(['# #']);
  });

  test('takes added tokens from every file that lists them, and does not count a last <image>', async () => {
    write({
      'tokenizer.json': tokenizerJson({ added_tokens: [] }),
      'added_tokens.json': { '<|im_end|>': 4, '<image>': 6 },
      'tokenizer_config.json': {
        added_tokens_decoder: { 5: { content: 'plain', special: false } },
      },
    });
    const { tokens, types, nUsed } = await readVocabulary(dir, 8);
    expect(tokens.slice(4)).toEqual(['<|im_end|>', 'plain', '<image>', '[PAD7]']);
    expect([...types.slice(4)]).toEqual([control, userDefined, control, unused]);
    expect(nUsed).toBe(6);
  });

  test('notes a pre-tokenizer that is not Qwen2’s', async () => {
    write({ 'tokenizer.json': tokenizerJson({ pre_tokenizer: { type: 'Whitespace' } }) });
    expect((await readVocabulary(dir, 8)).notes).toHaveLength(1);
  });

  const cases: [what: string, files: Record<string, unknown>, message: RegExp][] = [
    [
      'more tokens than rows',
      { 'tokenizer.json': tokenizerJson() },
      /"<\|im_end\|>" has id 4 but .* 4 rows/,
    ],
    [
      'two tokens with one id',
      {
        'tokenizer.json': tokenizerJson({ added_tokens: [{ id: 2, content: 'x', special: true }] }),
      },
      /"ab" and "x" have the same id 2/,
    ],
    [
      'one token with two ids',
      { 'tokenizer.json': tokenizerJson({ added_tokens: [] }, { vocab: { '[PAD1]': 0 } }) },
      /"\[PAD1\]" has two ids/,
    ],
    [
      'files that disagree',
      {
        'tokenizer.json': tokenizerJson({ added_tokens: [{ id: 3, content: 'x', special: true }] }),
        'added_tokens.json': { y: 3 },
      },
      /id 3 is "x" here but "y"/,
    ],
    ['another kind of model', { 'tokenizer.json': tokenizerJson({}, { type: 'Unigram' }) }, /BPE/],
    ['no merges', { 'tokenizer.json': tokenizerJson({}, { merges: undefined }) }, /merges/],
    ['a merge of three', { 'tokenizer.json': tokenizerJson({}, { merges: ['a b c'] }) }, /"a b c"/],
    [
      'a merge with a space',
      { 'tokenizer.json': tokenizerJson({}, { merges: [['a ', 'b']] }) },
      /pair/,
    ],
    ['no vocabulary', { 'tokenizer.json': tokenizerJson({}, { vocab: {} }) }, /vocabulary/],
    ['a negative id', { 'tokenizer.json': tokenizerJson({}, { vocab: { a: -1 } }) }, /vocabulary/],
    ['no tokenizer files', {}, /vocab\.json: the file is missing/],
    ['vocab.json alone', { 'vocab.json': vocab }, /merges\.txt: the file is missing/],
    ['broken JSON', { 'tokenizer.json': '{"model": ' }, /not valid JSON/],
  ];
  test.each(cases)('refuses: %s', async (_, files, message) => {
    write(files);
    const error = await readVocabulary(dir, 4).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINT' });
    expect(error.message).toMatch(message);
  });
});
