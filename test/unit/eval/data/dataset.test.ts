// Where a dataset's tables may lie, and what is said when they do not.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { DataPart, DataSource } from '../../../../src/eval/benchmark.js';
import { findPart } from '../../../../src/eval/data/dataset.js';
import { findImages, findVideo } from '../../../../src/eval/data/media.js';
import { temporaryFolder } from '../../../support/eval.js';

const source: DataSource = {
  repos: ['lmms-lab/Thing', 'lmms-lab-encoder/Thing2'],
  parts: [{ name: 'test', split: 'test' }],
  mediaColumns: [],
  files: ['videos/{id}.mp4'],
  note: 'gated',
};
const plain: DataPart = { name: 'test', split: 'test' };
const inConfig: DataPart = { name: 'val', config: 'DocVQA', split: 'validation' };

function folderWith(...files: string[]): string {
  const folder = temporaryFolder();
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), '');
  }
  return folder;
}

const HASH = '0123456789abcdef';
it.each([
  ['the folder itself', plain, 'data/test-00000-of-00001.parquet'],
  ['an old shard name', plain, `data/test-00000-of-00001-${HASH}.parquet`],
  ['one above', plain, 'Thing/data/test-00000-of-00001.parquet'],
  ['by owner', plain, 'lmms-lab/Thing/data/test-00000-of-00001.parquet'],
  ['the new name', plain, 'lmms-lab-encoder/Thing2/data/test-00000-of-00001.parquet'],
  [
    'a hub cache',
    plain,
    `datasets--lmms-lab--Thing/snapshots/${HASH}/data/test-00000-of-00001.parquet`,
  ],
  ['converted by the hub', plain, 'default/test/0000.parquet'],
  ['lines', plain, 'test.jsonl'],
  ['JSON', plain, 'data/test.json'],
  ['a folder of pictures', plain, 'test/metadata.jsonl'],
  ['a config', inConfig, 'DocVQA/validation-00000-of-00001.parquet'],
  ['a config below data', inConfig, 'data/DocVQA/validation-00000-of-00001.parquet'],
  ['a config as a file', inConfig, 'DocVQA.jsonl'],
  ['where the benchmark says', { ...plain, tables: ['json/act*.json'] }, 'json/action.json'],
])('finds tables in %s', async (_, part, file) => {
  const folder = folderWith(file);
  expect((await findPart(folder, source, part)).tables).toEqual([join(folder, file)]);
});

it('follows the dataset card before its own ideas', async () => {
  const folder = folderWith(
    'other/v-1.parquet',
    'other/v-0.parquet',
    'DocVQA/validation-0.parquet',
  );
  writeFileSync(
    join(folder, 'README.md'),
    [
      '---\nconfigs:\n- config_name: Info\n  data_files:\n  - split: validation\n    path: wrong/*',
      '- config_name: DocVQA\n  data_files:\n  - split: test\n    path: wrong/*',
      '  - split: validation\n    path: other/v-*\n---\n# Text',
    ].join('\n'),
  );
  const { tables } = await findPart(folder, source, inConfig);
  expect(tables).toEqual(
    ['other/v-0.parquet', 'other/v-1.parquet'].map((name) => join(folder, name)),
  );
});

it('says which files are wanted and where they come from', async () => {
  const folder = folderWith('data/train-00000-of-00001.parquet');
  await expect(findPart(folder, source, plain)).rejects.toMatchObject({
    code: 'ERR_EVAL_DATA',
    message:
      `Found no data of split test below ${folder}. Expected data/test-*.parquet, videos/{id}.mp4 of the dataset ` +
      'lmms-lab/Thing (or lmms-lab-encoder/Thing2), in that folder or in lmms-lab/Thing below it. Note: gated.',
  });
  await expect(findPart(join(folder, 'no'), source, plain)).rejects.toMatchObject({
    message: expect.stringContaining('no such folder'),
  });
});

it('wants all shards', async () => {
  const folder = folderWith('data/test-00000-of-00003.parquet', 'data/test-00002-of-00003.parquet');
  await expect(findPart(folder, source, plain)).rejects.toMatchObject({
    code: 'ERR_EVAL_DATA',
    message: expect.stringContaining('2 of its 3 shards'),
  });
});

it('takes pictures as bytes, structs and paths', async () => {
  const folder = folderWith('pictures/a.png');
  const bytes = Buffer.from('x');
  const values = [
    bytes,
    { bytes, path: 'a' },
    { bytes: null, path: 'pictures/a.png' },
    'pictures/a.png',
  ];
  const path = join(folder, 'pictures/a.png');
  expect(await findImages(values, [folder])).toEqual([bytes, bytes, path, path]);
  for (const bad of ['../a.png', '/etc/hostname', 'pictures/b.png', 7, {}])
    await expect(findImages([bad], [folder])).rejects.toMatchObject({ code: 'ERR_EVAL_DATA' });
});

it('takes the first clip that exists, and a folder as its frames in order of number', async () => {
  const folder = folderWith(
    'videos/a.mkv',
    'frames/2.jpg',
    'frames/10.jpg',
    'frames/1.jpg',
    'frames/x.txt',
  );
  expect(await findVideo(['videos/a.mp4', 'videos/a.mkv'], [folder])).toBe(
    join(folder, 'videos/a.mkv'),
  );
  const frames = ['1.jpg', '2.jpg', '10.jpg'].map((name) => join(folder, 'frames', name));
  expect(await findVideo(['frames'], ['/nowhere', folder])).toEqual(frames);
  await expect(findVideo(['videos/b.mp4'], [folder])).rejects.toMatchObject({
    code: 'ERR_EVAL_DATA',
  });
  await expect(findVideo(['../x.mp4'], [folder])).rejects.toMatchObject({ code: 'ERR_EVAL_DATA' });
});
