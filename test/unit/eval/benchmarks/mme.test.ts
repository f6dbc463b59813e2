// MME as the hub has it: two questions about each picture, points by category, both rows of the card.
import { expect, it } from 'vitest';
import { mme } from '../../../../src/eval/benchmarks/mme.js';
import { datasetFolder, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';
import { pictured } from '../../../support/pictured.js';

const columns: Record<string, ColumnType> = {
  ...{ question_id: 'string', image: 'image', question: 'string' },
  ...{ answer: 'string', category: 'string' },
};

const pair = (category: string, question_id: string) =>
  ['Yes', 'No'].map((answer) => ({
    ...{ category, question_id, answer },
    question: `Is there a ${answer === 'Yes' ? 'dog' : 'cat'} in this image? Please answer yes or no.`,
  }));
const rows = [
  ...pair('existence', 'existence/1.png'),
  ...pair('existence', 'existence/2.png'),
  ...pair('OCR', 'OCR/1.png'),
  ...pair('code_reasoning', 'code_reasoning/1.png'),
];

async function dataset(entries = rows): Promise<string> {
  const data = datasetFolder(mme);
  writeSplit(data, { split: 'test' }, { columns, rows: await pictured(entries) });
  return data;
}

/** Right, but for what is listed by id and question. */
const answers = ({ id, prompt }: { id: string; prompt: string }) => {
  const isDog = prompt.includes('dog');
  const WRONG = ['existence/2.png dog', 'code_reasoning/1.png dog', 'code_reasoning/1.png cat'];
  const isWrong = WRONG.includes(`${id.replace('#2', '')} ${isDog ? 'dog' : 'cat'}`);
  return isDog === isWrong ? 'No.' : 'yes';
};

it('asks as documented and adds the points', async () => {
  const { asked, score, records } = await runBenchmark(mme, { data: await dataset(), answers });
  expect(asked[0]).toMatchObject({
    prompt:
      '<image>\nIs there a dog in this image?\nAnswer the question using a single word or phrase.',
    ...{ images: 1, maxTokens: 16 },
  });
  expect(records.map(({ verdict }) => verdict?.score)).toEqual([1, 1, 0, 1, 1, 1, 0, 0]);
  // existence: (200 + 50) / 2, OCR: 200; code: 0
  expect(score).toEqual({ 'mme-perception': 325, 'mme-cognition': 0 });
});

it('refuses a picture with one question', async () => {
  const data = await dataset(rows.slice(0, 3));
  await expect(runBenchmark(mme, { data, answers })).rejects.toMatchObject({
    code: 'ERR_EVAL_DATA',
    message: expect.stringContaining('two questions, not 1'),
  });
});
