/** What the decoder’s file is planned to hold; nothing is written here. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { draftRig, entries, types } from '../../support/plan.js';
import { bf16Tensor, lmmsFiles, tiny } from '../../support/safetensors.js';

const draft = draftRig();
const { plan } = draft;

describe('the decoder', () => {
  test('has a vocabulary as long as its embedding matrix and no head of its own when tied', async () => {
    const { model } = await plan();
    expect(entries(model)).toMatchObject({
      'general.architecture': 'qwen2',
      'general.file_type': 1,
      'qwen2.vocab_size': tiny.nVocab,
      'qwen2.rope.dimension_count': tiny.nEmbd / 2,
      'tokenizer.ggml.eos_token_id': 262,
      'tokenizer.ggml.eot_token_id': 262,
      'tokenizer.ggml.padding_token_id': 260,
      'tokenizer.ggml.bos_token_id': 260,
      'llavaov.vocab_used': 263,
      'llavaov.eos_token_ids': Int32Array.of(262),
      'llavaov.do_sample': false,
      'general.sampling.temp': 0,
    });
    expect(entries(model)['tokenizer.ggml.tokens']).toHaveLength(tiny.nVocab);
    expect(types(model)).not.toHaveProperty(['output.weight']);
    expect(types(model)).toMatchObject({
      'token_embd.weight': 'f16',
      'blk.0.attn_norm.weight': 'f32',
      'blk.0.attn_q.bias': 'f32',
      'blk.0.ffn_down.weight': 'f16',
    });
  });

  test('ignores a stored head when the config ties it, and demands one otherwise', async () => {
    draft.tensors['lm_head.weight'] = bf16Tensor([tiny.nVocab, tiny.nEmbd]);
    expect(types((await plan()).model)).not.toHaveProperty(['output.weight']);
    draft.config.tie_word_embeddings = false;
    expect(types((await plan()).model)).toHaveProperty(['output.weight']);
    delete draft.tensors['lm_head.weight'];
    const error = await plan().catch((reason) => reason);
    expect(error).toMatchObject({
      code: 'ERR_CHECKPOINT',
      path: join(draft.dir, 'config.json'),
      tensor: 'output.weight',
    });
    expect(error.message).toMatch(/"tie_word_embeddings" is false.*lm_head\.weight/);
  });

  test('a config that does not say: a missing head is tied, and noted', async () => {
    delete draft.config.tie_word_embeddings;
    const tied = await plan();
    expect(types(tied.model)).not.toHaveProperty(['output.weight']);
    expect(tied.notes).toEqual([expect.stringMatching(/no "tie_word_embeddings".*embedding/)]);
    draft.tensors['lm_head.weight'] = bf16Tensor([tiny.nVocab, tiny.nEmbd]);
    const untied = await plan();
    expect(types(untied.model)).toHaveProperty(['output.weight']);
    expect(untied.notes).toEqual([]);
  });

  test('takes its sampling defaults from generation_config.json, for the whole answer', async () => {
    draft.files['generation_config.json'] = {
      do_sample: true,
      eos_token_id: [262, 260],
      pad_token_id: 261,
      repetition_penalty: 1.1,
      temperature: 0.7,
      top_k: 20,
      top_p: 0.8,
    };
    expect(entries((await plan()).model)).toMatchObject({
      'llavaov.do_sample': true,
      'llavaov.eos_token_ids': Int32Array.of(262, 260),
      'tokenizer.ggml.padding_token_id': 261,
      'general.sampling.temp': 0.7,
      'general.sampling.top_k': 20,
      'general.sampling.top_p': 0.8,
      'general.sampling.penalty_repeat': 1.1,
      'general.sampling.penalty_last_n': -1,
    });
  });

  test('top_k 0 is all tokens', async () => {
    const withK = (top_k: number) => ({ do_sample: true, eos_token_id: 262, top_k });
    draft.files['generation_config.json'] = withK(0);
    expect(entries((await plan()).model)).toMatchObject({ 'general.sampling.top_k': 0 });
    draft.files['generation_config.json'] = withK(-1);
    await expect(plan()).rejects.toThrow(/top_k/);
  });

  test('reads licence and base models off the model card', async () => {
    const card = (lines: string) => `---\nlicense: apache-2.0\n${lines}tags: []\n---\n# Model\n`;
    for (const lines of [
      'base_model: Qwen/Qwen2-7B\n',
      'base_model: [Qwen/Qwen2-7B]\n',
      'base_model:\n- "Qwen/Qwen2-7B"\n',
      'base_model:\r\n  - Qwen/Qwen2-7B\r\n',
    ]) {
      draft.files['README.md'] = card(lines);
      expect(entries((await plan()).model), lines).toMatchObject({
        'general.license': 'apache-2.0',
        'general.base_model.count': 1,
        'general.base_model.0.name': 'Qwen2 7B',
        'general.base_model.0.organization': 'Qwen',
        'general.base_model.0.repo_url': 'https://huggingface.co/Qwen/Qwen2-7B',
      });
    }
    draft.files['README.md'] = card('base_model:\n- a/b\n- c/d\n');
    expect(entries((await plan()).mmproj)).toMatchObject({ 'general.base_model.count': 2 });
    draft.files['README.md'] = card('base_model: no id\n');
    expect(entries((await plan()).model)).not.toHaveProperty(['general.base_model.count']);
  });

  test('reads the rope base where transformers 5 puts it', async () => {
    delete draft.config.rope_theta;
    draft.config.rope_parameters = { rope_theta: 5000, rope_type: 'default' };
    expect(entries((await plan()).model)['qwen2.rope.freq_base']).toBe(5000);
  });

  test('"rope_scaling" is ignored as the reference ignores it, with a note', async () => {
    draft.config.rope_scaling = { type: 'linear', factor: 2 };
    const { model, notes } = await plan();
    expect(entries(model)).not.toHaveProperty(['qwen2.rope.scaling.type']);
    expect(notes).toEqual([expect.stringContaining('"rope_scaling" is ignored')]);
  });

  test('takes ChatML’s tokens from whichever file lists them, and says which could', async () => {
    const { 'added_tokens.json': added, ...others } = draft.files;
    draft.files = others;
    const error = await plan().catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINT', path: draft.dir });
    expect(error.message).toMatch(
      /no <\|im_start\|> and <\|im_end\|>.*missing here: tokenizer.json, tokenizer_config.json, added_tokens.json/,
    );
    draft.files['tokenizer_config.json'] = {
      added_tokens_decoder: Object.fromEntries(
        Object.entries(added as object).map(([content, id]) => [id, { content, special: true }]),
      ),
    };
    const fromDecoder = entries((await plan()).model);
    expect(fromDecoder['tokenizer.ggml.eot_token_id']).toBe(262);
    draft.files = lmmsFiles();
    rmSync(join(draft.dir, 'tokenizer_config.json'));
    expect(fromDecoder).toEqual(entries((await plan()).model));
  });
});
