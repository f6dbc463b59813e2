/** Tables of known answers: those that are built in, which one fits a file, and files that are none. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseTable } from '../../src/verify/choose-table.js';
import { readBuiltIn } from '../../src/verify/known-answers.js';
import { checkGeometry } from '../../src/verify/picture-checks.js';
import { readVisionConfig } from '../../src/vision/vision-config.js';
import { cli } from '../support/cli.js';
import { convertedFiles } from '../support/golden.js';
import { statuses, verifyRig } from '../support/verify-runs.js';

const { tableFile, verify } = verifyRig();

let model: string;
beforeAll(async () => {
  ({ model } = await convertedFiles('demo', 'f32'));
});
afterAll(() => rmSync(join(model, '../..'), { recursive: true, force: true }));

describe('tables', () => {
  test('those of the eight published models are there, in form, and true of their geometry', async () => {
    const { mmproj } = await convertedFiles('tiny384', 'f32');
    const vision = await readVisionConfig(mmproj);
    const tables = await readBuiltIn();
    expect(tables.map(({ name }) => name)).toEqual([
      '0.5b-ov',
      '0.5b-si',
      '72b-ov',
      '72b-ov-chat',
      '72b-si',
      '7b-ov',
      '7b-ov-chat',
      '7b-si',
    ]);
    for (const { picture, logits, answers, prompts } of tables) {
      expect(picture).toMatchObject({ rows: 6551, tiles: 10 });
      // The file itself, not a page about it.
      expect(picture!.url).toMatch(
        /^https:\/\/raw\.githubusercontent\.com\/.*\/[0-9a-f]{40}\/.*\.jpg$/,
      );
      expect(logits!.values.flat()).toHaveLength(9);
      expect(answers).toHaveLength(1);
      expect(prompts![0]!.ids).toHaveLength(28);
      const checks = checkGeometry({ picture, vision, dialect: 'llava-next' });
      expect(checks.map(({ status }) => status)).toEqual(['pass', 'pass', 'pass', 'pass']);
    }
  });

  const decoder = (metadata: Record<string, string>, sizes = { nLayer: 28, nEmbd: 3584 }) =>
    ({
      ...sizes,
      path: 'm.gguf',
      gguf: { metadata: new Map(Object.entries(metadata)) },
    }) as Parameters<typeof chooseTable>[0];

  test.each([
    [{ 'general.source.huggingface.repository': 'lmms-lab/llava-onevision-qwen2-7b-ov' }, '7b-ov'],
    [
      { 'general.source.repo_url': 'https://hub/llava-hf/llava-onevision-qwen2-7b-ov-chat-hf' },
      '7b-ov-chat',
    ],
    [{ 'general.name': 'llava-onevision-qwen2-7b-si' }, '7b-si'],
    [{ 'general.name': 'LLaVA-OneVision-Qwen2-7B-OV-hf' }, '7b-ov'],
  ])('the file’s metadata says which it is: %j', async (metadata, name) => {
    expect((await chooseTable(decoder(metadata))).name).toBe(name);
  });

  test('a fine-tune, or the name of another size, is none of them', async () => {
    for (const [facts, message] of [
      [decoder({ 'general.name': 'llava-onevision-qwen2-7b-ov-mine' }), /7b-ov, 7b-ov-chat, 7b-si/],
      [decoder({ 'general.name': 'llava-onevision-qwen2-0.5b-ov' }), /does not tell/],
      [decoder({}, { nLayer: 3, nEmbd: 256 }), /3 layers of 256/],
    ] as const)
      await expect(chooseTable(facts)).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        argument: 'table',
        message: expect.stringMatching(message),
      });
  });

  test('another model fails and is not loaded', async () => {
    const { status, report } = await verify(model, '--table', '7b-ov');
    expect(status).toBe(1);
    expect(statuses(report)).toEqual({ sizes: 'fail', 'everything else': 'skipped' });
  });

  const sizes = { layers: 3, embeddingSize: 256 };
  test.each([
    ['no JSON', '{'],
    ['no object', []],
    ['no name', { model: sizes }],
    ['no sizes', { name: 'x', model: { layers: 3 } }],
    ['an unknown field', { name: 'x', model: sizes, logit: {} }],
    [
      'too few logits',
      { name: 'x', model: sizes, logits: { tokens: [1], ids: [0, 1], values: [[1]] } },
    ],
    [
      'a text for a number',
      { name: 'x', model: sizes, logits: { tokens: [1], ids: [0], values: [['1']] } },
    ],
    ['a grid of one', { name: 'x', model: sizes, picture: { width: 1, height: 1, grid: [1] } }],
    ['a dialect that is none', { name: 'x', model: sizes, dialect: 'other' }],
  ])('a file with %s is refused', async (_, table) => {
    const path = tableFile(table);
    const outcome = await cli(['verify', model, '--table', path]);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toContain(path);
  });
});
