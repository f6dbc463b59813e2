/** How a list of results becomes one number, through the figures of the benchmarks. */

import { activityNetQa } from '../benchmarks/activitynetqa.js';
import { imageDc } from '../benchmarks/imagedc.js';
import { liveBench } from '../benchmarks/livebench.js';
import { llavaW } from '../benchmarks/llava-w.js';
import { mathVerse } from '../benchmarks/mathverse.js';
import { mathVista } from '../benchmarks/mathvista.js';
import { mlvu } from '../benchmarks/mlvu.js';
import { mmBench } from '../benchmarks/mmbench.js';
import { mme } from '../benchmarks/mme.js';
import { mmmu } from '../benchmarks/mmmu.js';
import { mmStar } from '../benchmarks/mmstar.js';
import { mmVet } from '../benchmarks/mmvet.js';
import { mvBench } from '../benchmarks/mvbench.js';
import { seedBench } from '../benchmarks/seedbench.js';
import { vibeEval } from '../benchmarks/vibe-eval.js';
import { videoDc } from '../benchmarks/video-dc.js';
import { videoMme } from '../benchmarks/videomme.js';
import { textColumn } from '../data/columns.js';
import { type Figure, groupBy, mean } from '../figures.js';
import { pairVerdict } from '../rating-pairs.js';
import type { Scored } from '../scored.js';
import type { Ratings } from '../scorers/judge-replies.js';
import { seedRight } from '../scorers/letters.js';
import { claimsRight } from '../scorers/mmmu-open.js';
import { round } from '../scorers/python-numbers.js';
import { goldsOf, numberOf, resultsOf } from './fields.js';
import type { Case } from './vector.js';

type Result = Readonly<Record<string, unknown>>;
type Aggregate = (results: Result[], vector: Case) => unknown;

/** By the beginning of the task's name. Where the reference gives a fraction, a figure in per cent is a hundredth. */
const AGGREGATES: readonly (readonly [task: string, aggregate: Aggregate])[] = [
  ['activitynetqa', activity],
  ['dc100', (results) => value(imageDc.rows[0]!, results.map(scored))],
  ['live_bench', liveBenchTotal],
  ['llava', llava],
  ['mathverse', mathVerseTotal],
  ['mathvista', (results) => round(value(mathVista.rows[0]!, results.map(scored)), 2)],
  ['mlvu_', (results) => value(mlvu.rows[0]!, results.map(inCategory('task_type')))],
  ['mlvu', (results) => value(mlvu.figures![0]!, results.map(scored))],
  ['mmbench', (results) => value(mmBench.rows[0]!, results.map(scored))],
  ['mme', mmeTotal],
  ['mmmu', (results) => round(value(mmmu.rows[0]!, results.map(mmmuScored)) / 100, 5)],
  ['mmstar', (results) => value(mmStar.rows[0]!, results.map(inCategory('l2_category'))) / 100],
  ['mmvet', (results) => value(mmVet.rows[0]!, results.map(scored))],
  ['mvbench', mvBenchTotal],
  ['seedbench', (results) => value(seedBench.rows[0]!, results.map(seedScored)) / 100],
  ['vibe_eval', (results) => value(vibeEval.rows[0]!, results.map(scored))],
  ['video_dc', (results) => value(videoDc.rows[0]!, results.map(scored))],
  ['videomme', (results) => value(videoMme.rows[0]!, results.map(scored))],
];

/** Any other task's figure is the plain mean of its scores. */
export function aggregate(vector: Case): unknown {
  const found = AGGREGATES.find(([task]) => vector.task.startsWith(task))?.[1];
  const results = resultsOf(vector);
  return found ? found(results, vector) : value(mean({ scale: 1 }), results.map(scored));
}

function value(figure: Pick<Figure, 'value'>, samples: readonly Scored[]): number {
  return figure.value([...groupBy(samples, ({ unit }) => unit).values()]);
}

function scored(result: Result, index: number): Scored {
  const name = `${index}`;
  return { id: name, unit: name, part: '', score: scoreOf(result) };
}

function inCategory(field: string) {
  return (result: Result, index: number): Scored => ({
    ...scored(result, index),
    category: textColumn(result, field),
  });
}

/** A result states its score, or what was read and what is right. */
function scoreOf(result: Result): number {
  const fields = ['score', 'rating', 'correct', 'true_false', 'hit', 'anls', 'exact_match'];
  if (fields.some((name) => name in result)) return numberOf(result, ...fields);
  const pred = result.pred_answer ?? result.parsed_pred ?? result.pred;
  const gold = result.answer ?? result.ground_truth ?? result.gt_answer;
  if (pred === undefined || gold === undefined) throw new Error('a result has no score');
  return Number(String(pred) === String(gold));
}

/** Empty answers are not scored. */
function mvBenchTotal(results: Result[]): number {
  const answered = results.filter((result) => result.pred_answer !== '');
  return answered.length === 0 ? 0 : value(mvBench.rows[0]!, answered.map(scored));
}

/** HEAD takes whole ratings, and leaves a verdict that says neither yes nor no out of the accuracy. */
function activity(results: Result[], { rules }: Case): unknown {
  const isOld = rules === 'v0.2.2';
  const samples = results.map((result, index): Scored => {
    const { score: rating, ...place } = scored(result, index);
    const pred = textColumn(result, 'Correctness');
    const says = isOld ? pred === 'yes' : pred.toLowerCase().includes('yes');
    return {
      ...place,
      score: Number(says),
      parsed: pred,
      values: { rating: isOld ? rating : Math.trunc(rating) },
    };
  });
  const clear = isOld ? samples : samples.filter(({ parsed }) => /yes|no/i.test(String(parsed)));
  return {
    accuracy: clear.length === 0 ? 0 : value(activityNetQa.rows[0]!, clear),
    score: value(activityNetQa.figures![0]!, samples),
  };
}

/** What could not be judged is not scored. */
function liveBenchTotal(results: Result[]): number | null {
  const judged = results.filter(({ rating }) => rating !== -1);
  return judged.length === 0 ? null : value(liveBench.rows[0]!, judged.map(scored));
}

/** -999 marks rows of other categories. */
function llava(results: Result[]): number | null {
  const pairs = results.map(({ scores }) => scores as Ratings).filter(([first]) => first !== -999);
  const samples = pairs.map((pair, index) => ({
    ...scored({ score: pair[1] }, index),
    ...pairVerdict(pair),
    score: pair[1],
  }));
  const ratio = value(llavaW.rows[0]!, samples);
  return Number.isFinite(ratio) ? ratio : null;
}

function mathVerseTotal(results: Result[], { rules }: Case): number {
  const percent = value(mathVerse.rows[0]!, results.map(scored));
  return rules === 'HEAD' ? percent / 100 : round(percent, 2);
}

function mmeTotal(results: Result[]): number {
  const samples = results.map((result, index) => {
    const category = textColumn(result, 'category');
    return { ...scored(result, index), category, unit: `${category}/${result.question_id}` };
  });
  return value(mme.rows[0]!, samples);
}

function mmmuScored(result: Result, index: number): Scored {
  const claims = result.parsed_pred;
  if (!Array.isArray(claims)) return scored(result, index);
  return scored({ score: claimsRight(claims, goldsOf(result)) }, index);
}

function seedScored(result: Result, index: number): Scored {
  const right = seedRight(textColumn(result, 'pred'), textColumn(result, 'answer'));
  return scored({ score: right }, index);
}
