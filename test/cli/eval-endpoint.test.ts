// The command `eval` through our own `serve`, and without it: the same answers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AnswerRecord } from '../../src/eval/answers.js';
import { cli } from '../support/cli.js';
import { temporaryFolder } from '../support/eval.js';
import { convertedFiles } from '../support/golden.js';
import { serveChild } from '../support/serve-child.js';

const DATA = join(import.meta.dirname, '../../demo');

test('eval --endpoint against serve answers as eval with the files', async () => {
  const { model, mmproj } = await convertedFiles('demo', 'f16');
  const { base } = await serveChild([]);
  const run = async (asker: string[]) => {
    const out = temporaryFolder();
    const some = ['--limit', '20', '--shuffle', '--seed', '2', '--data', DATA, '--out', out];
    const { status, stderr } = await cli(['eval', 'run', 'demo-vqa', ...asker, ...some]);
    expect([status, stderr]).toEqual([0, '']);
    const lines = readFileSync(join(out, 'demo-vqa/answers.jsonl'), 'utf8').trim().split('\n');
    const answers = lines.map((line) => JSON.parse(line) as AnswerRecord);
    return answers.sort((a, b) => a.id.localeCompare(b.id));
  };
  const there = await run(['--endpoint', base, '--endpoint-model', 'demo']);
  const here = await run(['--model', model, '--mmproj', mmproj, '--threads', '1']);
  // Frames go as pictures, which no server can tell from a clip: motion is asked otherwise there.
  const told = (answers: AnswerRecord[]) =>
    answers.filter(({ id }) => !id.startsWith('motion')).map(({ id, answer }) => ({ id, answer }));
  expect(told(there)).toEqual(told(here));
  expect(told(there).length).toBeGreaterThanOrEqual(12);
});
