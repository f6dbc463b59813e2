/** What files say about their origin, from the checkpoint's folder, card and name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Checkpoint } from '../../../src/convert/checkpoint.js';
import { generalEntries } from '../../../src/convert/general-entries.js';
import type { CheckpointSource } from '../../../src/hub/snapshot-source.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'general-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function entriesOf({
  name = 'tiny',
  card,
  path = dir,
  source,
}: {
  name?: string;
  card?: string;
  path?: string;
  source?: CheckpointSource;
}) {
  if (card !== undefined) writeFileSync(join(path, 'README.md'), card);
  const entries = await generalEntries({
    ...{ checkpoint: { path } as Checkpoint, architecture: 'qwen2', type: 'model', name },
    ...{ outtype: 'f16', tensors: [] },
    ...(source && { source }),
  });
  return Object.fromEntries(
    entries.map(({ key, value }) => [key.replace(/^general\./, ''), value]),
  );
}

test.each([
  ['llava-onevision-qwen2-7b-ov-chat', 'llava-onevision-qwen2', 'ov-chat'],
  ['llava-onevision-qwen2-0.5b-ov-hf', 'llava-onevision-qwen2', 'ov'],
  ['llava-onevision-qwen2-72b', 'llava-onevision-qwen2', undefined],
  ['demo', 'demo', undefined],
])('the name %s is the base %s and the fine-tune %s', async (name, basename, finetune) => {
  const entries = await entriesOf({ name });
  expect(entries).toMatchObject({ name, basename });
  expect(entries.finetune).toBe(finetune);
});

describe('the card', () => {
  test('gives licence, languages, tags, datasets and base models', async () => {
    const card = [
      '---',
      'license: other',
      'license_name: tongyi-qianwen',
      'license_link: https://example.org/LICENSE',
      'language:',
      '- en',
      '- zh',
      'tags: [multimodal, "vision"]',
      'datasets:',
      '- lmms-lab/LLaVA-OneVision-Data',
      'base_model:',
      '- lmms-lab/llava-onevision-qwen2-7b-si',
      '---',
    ].join('\n');
    expect(await entriesOf({ card })).toMatchObject({
      license: 'other',
      'license.name': 'tongyi-qianwen',
      'license.link': 'https://example.org/LICENSE',
      languages: ['en', 'zh'],
      tags: ['multimodal', 'vision'],
      'dataset.count': 1,
      'dataset.0.name': 'LLaVA OneVision Data',
      'dataset.0.organization': 'lmms-lab',
      'dataset.0.repo_url': 'https://huggingface.co/datasets/lmms-lab/LLaVA-OneVision-Data',
      'base_model.count': 1,
      'base_model.0.repo_url': 'https://huggingface.co/lmms-lab/llava-onevision-qwen2-7b-si',
    });
  });

  test('is optional, and what is no plain word is left out', async () => {
    const plain = await entriesOf({});
    expect(Object.keys(plain)).toEqual([
      ...['architecture', 'type', 'source.sha256', 'name', 'basename', 'size_label'],
      ...['file_type', 'quantization_version'],
    ]);
    const card = '---\nlicense: {a: b}\ntags:\n- "two words: \'x\'"\nlanguage: [en\n---\n';
    expect(await entriesOf({ card })).toEqual({ ...plain, languages: ['en'] });
  });
});

describe('the source', () => {
  const commit = 'a'.repeat(40);

  test('is what the caller says', async () => {
    expect(await entriesOf({ source: { repo: 'owner/name', commit } })).toMatchObject({
      organization: 'owner',
      'source.url': `https://huggingface.co/owner/name/tree/${commit}`,
      'source.repo_url': 'https://huggingface.co/owner/name',
      'source.huggingface.repository': 'owner/name',
    });
  });
});
