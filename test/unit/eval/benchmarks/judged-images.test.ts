// The six benchmarks of pictures that need a judge, as the hub has them: prompts, requests, replies, scores by hand.
import { expect, it } from 'vitest';
import type { Benchmark } from '../../../../src/eval/benchmark.js';
import { imageDc } from '../../../../src/eval/benchmarks/imagedc.js';
import { liveBench } from '../../../../src/eval/benchmarks/livebench.js';
import { llavaW } from '../../../../src/eval/benchmarks/llava-w.js';
import { llavaWilder } from '../../../../src/eval/benchmarks/llava-wilder.js';
import { mmVet } from '../../../../src/eval/benchmarks/mmvet.js';
import { vibeEval } from '../../../../src/eval/benchmarks/vibe-eval.js';
import { datasetFolder, picture, runBenchmark, writeSplit } from '../../../support/eval.js';
import type { ColumnType } from '../../../support/parquet.js';
import { pictured } from '../../../support/pictured.js';

type Rows = readonly Readonly<Record<string, unknown>>[];

/** All text columns but the picture. */
async function dataset(
  benchmark: Benchmark,
  { rows, split = 'test' }: { rows: Rows; split?: string },
): Promise<string> {
  const data = datasetFolder(benchmark);
  const columns: Record<string, ColumnType> = { image: 'image' };
  for (const name of Object.keys(rows[0]!)) columns[name] = 'string';
  writeSplit(data, { split }, { columns, rows: await pictured(rows) });
  return data;
}

/** The requests for an answer to a row of the benchmark, without replies. */
function requestsFor(benchmark: Benchmark, row: object, answer: string) {
  const { judge, sample } = benchmark;
  const { id, prompt, gold } = sample({ ...row }, { part: 'test', rules: 'v0.2.2', index: 0 })!;
  const answered = { id, part: 'test', unit: id, prompt, gold, answer };
  return judge!.requests([answered], { rules: 'v0.2.2', reply: () => undefined });
}

it('MM-Vet', async () => {
  const row = (question_id: string, capability: string) => ({
    ...{ question_id, capability, question: 'What is x?', answer: '-1<AND>-5' },
  });
  const rows = [row('v1_0', 'ocr,math'), row('v1_1', 'rec'), row('v1_2', 'rec,ocr')];
  const data = await dataset(mmVet, { rows });
  const answers = { v1_0: 'x = -1', v1_1: '5', v1_2: '' };
  const replies = { 'test/v1_0': '0.5', 'test/v1_1': '1.0 because', 'test/v1_2': 'Score: 1' };
  const { asked, score, figures } = await runBenchmark(mmVet, { data, answers, replies });
  expect(asked[0]).toMatchObject({
    prompt:
      '<image>\nFirst please perform reasoning, and think step by step to provide best answer to the following question: \n\nWhat is x?',
    ...{ images: 1, maxTokens: 1024 },
  });
  expect(score.mmvet).toBe(50);
  expect(figures).toMatchObject({ rec: 50, ocr: 25, math: 50, know: null });

  const [request] = requestsFor(mmVet, rows[0]!, 'x = -1');
  expect(request!.messages[0]!.content).toMatch(/\nWhat is x\? \| -1 <AND> -5 \| x = -1 \|$/);
  expect(request).toMatchObject({ id: 'v1_0', maxTokens: 128, temperatures: [0, 0.5, 1, 1.5, 2] });
  expect(request!.accepts!('1.5')).toBe(false);

  const unjudged = await runBenchmark(mmVet, { data, answers });
  expect(unjudged.score.mmvet).toBeNull();
  expect(unjudged.records[0]!.verdict).toBeNull();
});

it('ImageDC', async () => {
  const rows = [
    { question_id: '1', question: 'Describe the image.', answer: '' },
    { question_id: '2', question: 'Describe the image.', answer: '' },
  ];
  const data = await dataset(imageDc, { rows });
  const { asked, score } = await runBenchmark(imageDc, {
    ...{ data, answers: { 1: 'A red barn.', 2: 'A cow.' } },
    replies: { 'test/1': 'Fine.\nFinal Score: 85/100', 'test/2': '**Final Score**: 90' },
  });
  expect(asked[0]).toMatchObject({ prompt: '<image>\nDescribe the image.', maxTokens: 1024 });
  expect(score.imagedc).toBe(42.5);
  const [request] = requestsFor(imageDc, rows[0]!, 'A red barn.');
  expect(request).toMatchObject({ hasImages: true, maxTokens: 1024 });
  expect(request!.messages[0]!.content).toContain('A red barn.');
});

it('LiveBench', async () => {
  const data = datasetFolder(liveBench);
  const text = { question: 'string', answer: 'string', criteria: 'string' } as const;
  const columns = { ...text, id: 'int', subtask: 'string', images: 'image[]' } as const;
  const pictures = [await picture(1), await picture(2)];
  const row = (id: number, images: unknown[], subtask: string) => ({
    ...{ id, images, subtask, question: 'What is new?', answer: 'A law.', criteria: 'Name it.' },
  });
  const rows = [
    row(0, pictures, 'Basic Understanding'),
    row(1, pictures.slice(1), 'Further Insights'),
    row(2, pictures, 'Further Insights'),
    row(3, pictures, 'Further Insights'),
  ];
  writeSplit(data, { config: '2024-06', split: 'test' }, { columns, rows });
  const { asked, score, records } = await runBenchmark(liveBench, {
    ...{ data, answers: { 0: 'A law.', 1: 'A dam.', 2: '', 3: 'Rain.' } },
    replies: {
      '2024-06/0': '{"Explanation": "yes", "Rating": 8}',
      '2024-06/1': '{"Explanation": "no", "Rating": "1"}',
      '2024-06/3': 'I cannot rate this.',
    },
  });
  expect(asked.map(({ prompt, images }) => [prompt, images]).slice(0, 2)).toEqual([
    ['<image> <image>\nWhat is new?', 2],
    ['<image>\nWhat is new?', 1],
  ]);
  expect(records.map(({ verdict }) => verdict?.score)).toEqual([8, 1, 0, undefined]);
  expect(score.livebench).toBe(30);
  const [request] = requestsFor(liveBench, rows[0]!, 'A law.');
  expect(request).toMatchObject({ hasImages: true, json: true });
  expect(request!.messages[0]!.content).toContain('[Criteria]\nName it.');
  expect(requestsFor(liveBench, rows[0]!, '')).toEqual([]);
});

it('Vibe-Eval', async () => {
  const row = (example_id: string, category: string) => ({
    ...{ example_id, category, prompt: ' What now? ', reference: 'Run.', media_url: 'x' },
  });
  const rows = [row('n1', 'difficulty-normal'), row('h1', 'difficulty-hard')];
  const data = await dataset(vibeEval, { rows });
  const { asked, score, figures } = await runBenchmark(vibeEval, {
    ...{ data, answers: { n1: 'Run.', h1: 'Sit.' } },
    replies: { 'test/n1': 'Explanation: so\nRating: 4', 'test/h1': 'no rating' },
  });
  expect(asked[0]).toMatchObject({ prompt: '<image>\nWhat now?', maxTokens: 1024 });
  expect(score['vibe-eval']).toBe(25); // 75 and -25
  expect(figures).toMatchObject({ normal: 75, hard: -25 });
  const [request] = requestsFor(vibeEval, rows[0]!, 'Run.');
  expect(request!.hasImages).toBeUndefined();
  expect(request!.temperatures).toEqual([0.4]);
});

it('LLaVA-W', async () => {
  const row = (question_id: string, category: string) => ({
    ...{ question_id, category, question: 'What is it?', gpt_answer: 'A fish.' },
    caption: 'A fish on a plate.',
  });
  const rows = [row('0', 'conv'), row('1', 'conv'), row('2', 'detail')];
  const data = await dataset(llavaW, { rows, split: 'train' });
  const answers = { 0: 'Fish.', 1: 'Meat.', 2: 'A plate.' };
  const replies = { 'train/0': '8 7\nwhy', 'train/1': '9, 3', 'train/2': '8/10 9/10' };
  const { asked, score, records } = await runBenchmark(llavaW, { data, answers, replies });
  expect(asked[0]).toMatchObject({ prompt: '<image>\nWhat is it?', images: 1, maxTokens: 4096 });
  // "9, 3" is three pieces at one space each; both unreadable replies count as -1 and -1
  expect(records.map(({ verdict }) => verdict?.score)).toEqual([7, -1, -1]);
  expect(score['llava-w']).toBe(83.4); // 1.667 of 2

  const head = await runBenchmark(llavaW, { data, answers, replies, rules: 'HEAD' });
  expect(head.score['llava-w']).toBe(80); // (7 + 3 + 10) / (8 + 9 + 8)

  const [request] = requestsFor(llavaW, rows[0]!, 'Fish.');
  expect(request!.messages.map(({ role }) => role)).toEqual(['system', 'user']);
  expect(request!.messages[1]!.content).toContain(
    '[Context]\nA fish on a plate.\n\n[Question]\nWhat is it?\n\n[Assistant 1]\nA fish.\n\n',
  );
});

it('LLaVA-Wilder', async () => {
  const rows = [
    { Question: 'Explain this.', Answer: 'A joke.' },
    { Question: 'Why?', Answer: 'Because.' },
  ];
  const data = await dataset(llavaWilder, { rows });
  const { asked, score } = await runBenchmark(llavaWilder, {
    ...{ data, answers: { 0: 'A pun.', 1: 'So.' } },
    replies: { 'test/0': '10 8', 'test/1': '10 6.5' },
  });
  expect(asked[0]).toMatchObject({ prompt: '<image>\nExplain this.', maxTokens: 4096 });
  expect(score['llava-wilder']).toBe(72.5);
  const [request] = requestsFor(llavaWilder, rows[0]!, 'A pun.');
  expect(request).toMatchObject({ hasImages: true, maxTokens: 1024 });
});
