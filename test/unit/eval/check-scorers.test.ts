// The reference's vectors through the functions of eval, and how what fails is told.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseVectors, type Vector } from '../../../src/eval/check/vector.js';
import { checkScorers, checkVectors } from '../../../src/eval/check-scorers.js';
import {
  leadingLetter,
  loneLetterIndex,
  realWorldAnswer,
} from '../../../src/eval/scorers/letters.js';
import { openClaims } from '../../../src/eval/scorers/mmmu-open.js';
import { yesOrNo } from '../../../src/eval/scorers/yes-no.js';
import { temporaryFolder } from '../../support/eval.js';

const GOLDEN = join(import.meta.dirname, '../../golden/scorer-vectors.json');

it('passes the vectors of the reference', async () => {
  const { failures, ...counts } = await checkScorers(GOLDEN);
  expect(failures).toEqual([]);
  expect(counts).toEqual({ passed: 219, failed: 0, skipped: 5 });
});

const vectors: Vector[] = JSON.parse(readFileSync(GOLDEN, 'utf8'));

it('reads answers as the reference did on its way', () => {
  for (const { task, prediction, reference } of vectors) {
    const { filtered, label, pred_id, parsed_set, question } = reference;
    const text = String(prediction);
    if (task === 'ai2d' && filtered) expect(leadingLetter(text)).toBe(filtered);
    if (task === 'realworldqa' && filtered)
      expect(realWorldAnswer(text, String(question))).toBe(filtered);
    if (label) expect(yesOrNo(text)).toBe(label);
    if (pred_id !== undefined) expect(loneLetterIndex(text)).toBe(pred_id);
    if (parsed_set) expect(new Set(openClaims(text))).toEqual(new Set(parsed_set as []));
  }
});

const vector: Vector = {
  ...{ family: 'relaxed', task: 'chartqa', variant: 'v0.2.2=HEAD' },
  ...{ prediction: '13.5', reference: { answer: '14' }, expected: 1 },
};

it('tells what failed', () => {
  const report = checkVectors([
    vector,
    { ...vector, expected: 0 },
    { ...vector, expected: 'RANDOM' },
  ]);
  expect(report).toMatchObject({ passed: 1, failed: 1, skipped: 1 });
});

it('wants a vector of both rules to pass under both', () => {
  const letter = { ...vector, family: 'mcq-letter', task: 'scienceqa_img', prediction: 'A. x' };
  const reference = { choices: ['x', 'y'], answer: 0 };
  const run = (variant: string, expected: number) =>
    checkVectors([{ ...letter, reference, variant, expected }]).failed;
  expect([run('v0.2.2', 0), run('HEAD', 1), run('v0.2.2=HEAD', 1)]).toEqual([0, 0, 1]);
});

it.each([
  [{ family: 'bleu' }, 'no such scorer'],
  [{ family: 'toString' }, 'no such scorer'],
  [{ task: 'vqa_v2' }, 'no such scorer'],
  [{ variant: 'v0.3' }, 'no such variant'],
  [{ prediction: 13 }, 'Expected a string in column prediction'],
])('counts %j as a failure', (change, error) => {
  const report = checkVectors([{ ...vector, ...change }]);
  expect(report.failed).toBe(1);
  expect(report.failures[0]!.error).toContain(error);
});

it('knows the submissions', () => {
  const tasks = {
    docvqa_test: { questionId: '7' },
    egoschema: { video_idx: 'v', option: ['A. a', 'B. b'] },
    mmmu_test: { id: 'test_Art_1', options: "['a', 'b']" },
  };
  const expected = [{ questionId: 7, answer: '(B)' }, { v: 1 }, { test_Art_1: 'B' }];
  const submissions = Object.entries(tasks).map(([task, reference], i) => ({
    ...{ family: 'submission', task, variant: 'HEAD', prediction: '(B)', reference },
    expected: expected[i],
  }));
  expect(checkVectors(submissions).failures).toEqual([]);
});

it('asks for every row of the card', () => {
  const reference = {
    ...{ question: 'Q?', Question: 'Q?', prompt: 'Q?', query_wo: 'Q?', hint: null },
    ...{ options: ['a', 'b'], option: ['A. a', 'B. b'], choices: ['a', 'b'], candidates: ['a'] },
    ...{ choice_a: 'a', choice_b: 'b', choice_c: 'c', choice_d: 'd', A: 'a', B: 'b' },
    ...{ a0: 'a', a1: 'b', a2: 'c', a3: 'd', a4: 'e', question_1: 'None', question_2: 'Q?' },
    ...{ question_type: 'multi_choice', answer_type: 'text', shot_type: 'format-prompt' },
  };
  const tasks = [
    ...['ai2d', 'chartqa', 'docvqa_val', 'infovqa_test', 'mathverse_testmini_vision_only'],
    ...['mathvista_testmini_format', 'mmbench_en_dev', 'mme', 'mmmu_val', 'mmvet', 'mmstar'],
    ...['seedbench', 'scienceqa_img', 'dc100_en', 'live_bench_2406', 'realworldqa', 'vibe_eval'],
    ...['llava_in_the_wild', 'llava_wilder_small', 'activitynetqa', 'egoschema', 'mlvu', 'mvbench'],
    ...['nextqa_mc_test', 'perceptiontest_val_mc', 'videochatgpt_gen', 'videochatgpt_consistency'],
    ...['video_dc499', 'videomme', 'mlvu_dev'],
  ];
  const prompts = tasks.map((task) => ({
    ...{ family: 'prompt', task, variant: 'v0.2.2=HEAD', prediction: null, reference },
    expected: 'not this',
  }));
  for (const { actual, error } of checkVectors(prompts).failures) {
    expect(error).toBeUndefined();
    expect(actual).toContain('Q?');
  }
});

it.each([
  ['no JSON', '{', 'not JSON'],
  ['no list', '{}', 'not a list'],
  ['other entries', '[{"family": "anls"}]', 'entry 0 lacks'],
])('refuses a file with %s', async (_, text, problem) => {
  const path = join(temporaryFolder(), 'vectors.json');
  writeFileSync(path, text);
  await expect(checkScorers(path)).rejects.toMatchObject({
    code: 'ERR_EVAL_DATA',
    message: expect.stringContaining(problem),
  });
});

it('refuses a file that is not there', async () => {
  await expect(checkScorers('none.json')).rejects.toMatchObject({ code: 'ERR_EVAL_DATA' });
});

it('takes vectors without a reference', () => {
  const text =
    '[{"family":"mcq-letter","task":"mlvu","variant":"v0.2.2","prediction":"B)","expected":"B"}]';
  expect(checkVectors(parseVectors(text, 'x')).passed).toBe(1);
});
