/** What a user may write for a model, and what is said of what nobody can mean. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseModelName } from '../../../src/models/model-name.js';
import { nearest } from '../../../src/nearest.js';

const folder = mkdtempSync(join(tmpdir(), 'model-name-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'a:b.gguf');
writeFileSync(file, '');
mkdirSync(join(folder, 'x'));

describe('a name is', () => {
  const repo = (repo: string, revision = 'main') => ({ kind: 'repo', repo, revision });
  test.each<[string, object, string?]>([
    [file, { kind: 'file', path: file }],
    [join(folder, 'x'), { kind: 'folder', path: join(folder, 'x') }],
    [`${join(folder, 'x')}:Q4_K`, { kind: 'folder', path: join(folder, 'x') }, 'q4_k_m'],
    ['demo', { kind: 'demo' }],
    ['Demo:q8_0', { kind: 'demo' }, 'q8_0'],
    ['0.5b-ov', repo('lmms-lab/llava-onevision-qwen2-0.5b-ov')],
    ['7B-OV@v1:q6_k', repo('lmms-lab/llava-onevision-qwen2-7b-ov', 'v1'), 'q6_k'],
    ['someone/finetune', repo('someone/finetune')],
    ['someone/finetune@v2:bf16', repo('someone/finetune', 'v2'), 'bf16'],
    ['https://huggingface.co/someone/finetune', repo('someone/finetune')],
    ['https://huggingface.co/someone/finetune/tree/v3:f32', repo('someone/finetune', 'v3'), 'f32'],
    [
      'https://huggingface.co/someone/x/blob/main/a/x-q8_0.gguf',
      { ...repo('someone/x'), file: 'a/x-q8_0.gguf' },
    ],
    ['hf.co/someone/x/resolve/v2/model.safetensors', repo('someone/x', 'v2')],
    ['hf.co/someone/finetune:q8_0', repo('someone/finetune'), 'q8_0'],
  ])('%s', async (text, model, type) => {
    expect(await parseModelName(text)).toEqual({ model, type });
  });
});

describe('refused is', () => {
  test.each([
    ['0.5b-vo', 'ERR_INVALID_ARGUMENT', /Did you mean 0\.5b-ov\?/],
    ['dmeo', 'ERR_INVALID_ARGUMENT', /Did you mean demo\?/],
    ['7B', 'ERR_INVALID_ARGUMENT', /Did you mean 7b-ov\?/],
    ['llava-onevision-qwen2-72b-ov-chat', 'ERR_INVALID_ARGUMENT', /mean 72b-ov-chat\?/],
    ['gpt', 'ERR_INVALID_ARGUMENT', /called "gpt"\. Expected/],
    ['demo:q4_k_n', 'ERR_INVALID_ARGUMENT', /did you mean q4_k_m\?/],
    ['demo:', 'ERR_INVALID_ARGUMENT', /a type after the colon/],
    ['nothing:q8_0', 'ERR_INVALID_ARGUMENT', /called "nothing"/],
    ['absent.gguf', 'ERR_MODEL_LOAD', /no such file/],
    ['models/absent.gguf', 'ERR_MODEL_LOAD', /no such file/],
    ['./absent/folder', 'ERR_MODEL_LOAD', /no such file/],
    ['/absent/folder:q8_0', 'ERR_MODEL_LOAD', /no such file/],
  ])('%s', async (text, code, message) => {
    await expect(parseModelName(text)).rejects.toMatchObject({
      ...{ code, message: expect.stringMatching(message) },
    });
  });

  test('a type beside another', async () => {
    expect((await parseModelName('demo:q8_0', 'q8_0')).type).toBe('q8_0');
    await expect(parseModelName('demo:q8_0', 'f16')).rejects.toMatchObject({ argument: 'type' });
  });
});

test('the nearest word', () => {
  expect(nearest('verfiy', ['verify', 'serve'])).toBe('verify');
  expect(nearest('x', ['run', 'chat'])).toBeUndefined();
});
