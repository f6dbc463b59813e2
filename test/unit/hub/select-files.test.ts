/** Which files of a repository are downloaded. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { PullOptions } from '../../../src/hub/pull.js';
import type { Files } from '../../support/hub-files.js';
import { pullRig, REPO, WEIGHTS } from '../../support/pull-rig.js';

const rig = pullRig();

const code = (name: string, fields: object = {}) =>
  expect.objectContaining({ code: name, ...fields });

describe('which files', () => {
  const index = (...shards: string[]) =>
    JSON.stringify({ weight_map: Object.fromEntries(shards.map((name, i) => [`t${i}`, name])) });
  const sharded: Files = {
    'README.md': '---\nlicense: mit\n---',
    'config.json': '{}',
    'vocab.json': '{}',
    'merges.txt': '',
    'model.safetensors.index.json': index('part-1.safetensors', 'part-2.safetensors'),
    'part-1.safetensors': 'one',
    'part-2.safetensors': 'two',
    'other.safetensors': 'three',
    'training_args.bin': 'no',
  };
  const names = async (files: Files, options: PullOptions = {}) => {
    rig.hub.commit(REPO, files);
    return (await rig.get(REPO, { ...options, dryRun: true })).files.map(({ path }) => path);
  };

  test('those that convert reads: shards as the index names them', async () => {
    expect(await names(sharded)).toEqual(Object.keys(sharded).slice(0, 7));
  });

  test('one weight file comes before shards', async () => {
    const found = await names({ ...sharded, [WEIGHTS]: 'w' });
    expect(found).toContain(WEIGHTS);
    expect(found).not.toContain('part-1.safetensors');
  });

  test('a LoRA adapter is whole without tokenizer; what was trained beside it comes along', async () => {
    const adapter = { 'adapter_config.json': '{}', 'adapter_model.safetensors': 'a' };
    const trained = { 'config.json': '{}', 'non_lora_trainables.bin': 'b' };
    expect(await names({ ...adapter, 'x.bin': '' })).toEqual(Object.keys(adapter));
    expect(await names({ ...adapter, ...trained })).toEqual(
      Object.keys({ ...adapter, ...trained }).sort(),
    );
  });

  test.each([
    [
      { include: ['*.safetensors'] },
      ['part-1.safetensors', 'part-2.safetensors', 'other.safetensors'],
    ],
    [{ include: ['*.safetensors'], exclude: ['part-?.*'] }, ['other.safetensors']],
    [
      { all: true, exclude: ['*.safetensors', '*.json'] },
      ['README.md', 'merges.txt', 'training_args.bin'],
    ],
    [{ all: true }, Object.keys(sharded)],
    [{ exclude: ['README.md', 'part-2*'] }, Object.keys(sharded).slice(1, 6)],
  ])('patterns: %j', async (options, expected) => {
    expect(await names(sharded, options)).toEqual(expected);
  });

  test.each<[string, Files, string[]]>([
    ['config.json', { 'tokenizer.json': '', [WEIGHTS]: '' }, ['config.json']],
    ['weights', { 'config.json': '', 'tokenizer.json': '', 'w.bin': '' }, [WEIGHTS]],
    [
      'tokenizer',
      { 'config.json': '', 'vocab.json': '', [WEIGHTS]: '' },
      ['tokenizer.json (or vocab.json with merges.txt)'],
    ],
    [
      'the weights of an adapter',
      { 'adapter_config.json': '', 'config.json': '', 'adapter_model.bin': '' },
      ['adapter_model.safetensors'],
    ],
    [
      'a shard',
      {
        ...sharded,
        'model.safetensors.index.json': index('part-1.safetensors', 'gone.safetensors'),
      },
      ['gone.safetensors'],
    ],
  ])(
    'a repository that lacks %s is refused before anything is downloaded',
    async (_, files, missing) => {
      rig.hub.commit(REPO, files);
      await expect(rig.get()).rejects.toEqual(code('ERR_HUB_FILE_NOT_FOUND', { missing }));
      expect(readdirSync(rig.cacheDir)).toEqual([]);
    },
  );

  test('nothing matches, or the index is no index', async () => {
    await expect(names(sharded, { include: ['*.gguf'] })).rejects.toEqual(
      code('ERR_HUB_FILE_NOT_FOUND'),
    );
    for (const text of ['{', 'null', '{"weight_map":{}}', '{"weight_map":{"a":1}}'])
      await expect(names({ ...sharded, 'model.safetensors.index.json': text })).rejects.toEqual(
        code('ERR_CHECKPOINT'),
      );
  });
});
