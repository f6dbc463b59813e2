// EgoSchema as the hub has it: the subset is scored, the full set becomes a submission.
import { expect, it } from 'vitest';
import { egoSchema } from '../../../../src/eval/benchmarks/egoschema.js';
import { writeClips } from '../../../support/clips.js';
import { datasetFolder, runBenchmark, type Split, writeSplit } from '../../../support/eval.js';

const OPTIONS = ['A. cooks', 'B. reads', 'C. digs', 'D. runs', 'E. sings'];
const COLUMNS: Split['columns'] = {
  ...{ question_idx: 'string', video_idx: 'string', question: 'string' },
  ...{ option: 'string[]', answer: 'string' },
};
const VIDEOS = ['0074f737', '00b9a0de', '011b8b73'];

function dataset(): string {
  const data = datasetFolder(egoSchema);
  const row = (i: number, answer: string | null) => ({
    ...{ question_idx: String(i), video_idx: VIDEOS[i], question: 'What does c do?' },
    ...{ option: OPTIONS, answer },
  });
  const subset = { config: 'Subset', split: 'test' };
  writeSplit(data, subset, { columns: COLUMNS, rows: [row(0, '1'), row(1, '4'), row(2, '0')] });
  const full = { config: 'GENERATION', split: 'test' };
  writeSplit(data, full, { columns: COLUMNS, rows: VIDEOS.map((_, i) => row(i, null)) });
  writeClips(
    data,
    VIDEOS.map((name) => `videos/${name}.mp4`),
  );
  return data;
}

it('scores the subset as by hand', async () => {
  const answers = { '0074f737': 'B.', '00b9a0de': '(C) not (E)', '011b8b73': 'A' };
  const { asked, score, records } = await runBenchmark(egoSchema, { data: dataset(), answers });
  expect(asked[0]).toEqual({
    ...{ id: '0074f737', part: 'subset', images: 0, videos: ['videos/0074f737.mp4'] },
    maxTokens: 1024,
    prompt: `<image>\nWhat does c do?\n${OPTIONS.join('\n')}\nAnswer with the option's letter from the given choices directly.`,
  });
  // Of two letters the first counts, so the second answer is C.
  expect(records.map(({ verdict }) => verdict?.parsed)).toEqual([1, 2, 0]);
  expect(score.egoschema).toBeCloseTo(200 / 3);
});

it('says where it had to draw, and draws the same again', async () => {
  const data = dataset();
  const draw = async () => {
    const { records } = await runBenchmark(egoSchema, { data, answers: () => 'no idea' });
    expect(records.every(({ verdict }) => verdict?.isRandom)).toBe(true);
    return records.map(({ verdict }) => verdict?.parsed);
  };
  expect(await draw()).toEqual(await draw());
});

it('writes the full set for the benchmark’s own server', async () => {
  const answers = { '0074f737': 'B.', '00b9a0de': 'E', '011b8b73': 'A' };
  const { score, submissions } = await runBenchmark(egoSchema, {
    ...{ data: dataset(), answers, rules: 'HEAD', subset: ['full'] },
  });
  expect(score.egoschema ?? null).toBeNull();
  expect(JSON.parse(String(submissions['egoschema_full.json']))).toEqual({
    ...{ '0074f737': 1, '00b9a0de': 4, '011b8b73': 0 },
  });
});
