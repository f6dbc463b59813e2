/**
 * Runs vectors of the reference harness through the scorers, prompts and aggregates that the benchmarks use: enters a vector
 * file, leaves what passed. A vector for several tasks or rules passes when all of them do.
 */
import { readText } from '../files/read-whole.js';
import { sampleFrames } from '../vision/frame-sampling.js';
import { aggregate } from './check/aggregates.js';
import { answerOf, goldsOf, numberOf } from './check/fields.js';
import { JUDGE_REPLIES } from './check/judge-replies.js';
import { circular, MULTIPLE_CHOICE } from './check/multiple-choice.js';
import { PROMPTS } from './check/prompts.js';
import { isSame } from './check/same.js';
import { SUBMISSIONS } from './check/submissions.js';
import { type Case, casesOf, parseVectors, type Vector } from './check/vector.js';
import { textColumn } from './data/columns.js';
import { dataError } from './data/data-error.js';
import { anls } from './scorers/anls.js';
import {
  directExtraction,
  type MathQuestion,
  mathVistaRight,
  normalizeExtraction,
} from './scorers/mathvista.js';
import { openRight } from './scorers/mmmu-open.js';
import { strip } from './scorers/python-text.js';
import { relaxedMatch } from './scorers/relaxed-accuracy.js';
import { yesNoRight } from './scorers/yes-no.js';

type Score = (vector: Case) => unknown;
/** How a family is scored, by the beginning of the task's name. */
type Table = readonly (readonly [task: string, score: Score])[];

const FAMILIES: Readonly<Record<string, Table>> = {
  anls: [
    ['docvqa', documentScore],
    ['infovqa', documentScore],
  ],
  relaxed: [['chartqa', (vector) => relaxedMatch(answerOf(vector), goldsOf(vector.reference)[0]!)]],
  'mcq-filter-em': MULTIPLE_CHOICE,
  'mcq-letter': MULTIPLE_CHOICE,
  'mcq-extract': MULTIPLE_CHOICE,
  'mcq-mmmu-parse': MULTIPLE_CHOICE,
  'mcq-first-index': MULTIPLE_CHOICE,
  'mcq-mmbench-infer': MULTIPLE_CHOICE,
  circular: [['mmbench', circular]],
  'open-mmmu': [
    ['mmmu', (vector) => openRight(answerOf(vector), goldsOf(vector.reference), vector.rules)],
  ],
  'yesno-pair': [
    ['mme', (vector) => yesNoRight(answerOf(vector), textColumn(vector.reference, 'answer'))],
  ],
  'mathvista-normalize': [['mathvista', mathVista]],
  'judge-parse': JUDGE_REPLIES,
  aggregate: [['', aggregate]],
  prompt: PROMPTS,
  'frame-index': [['', frames]],
  submission: SUBMISSIONS,
};

export interface CheckReport {
  passed: number;
  failed: number;
  /** The reference draws at random there. */
  skipped: number;
  failures: CheckFailure[];
}

export interface CheckFailure extends Vector {
  /** Number of the vector in its file, from 0. */
  index: number;
  actual?: unknown;
  /** Instead of `actual`. */
  error?: string;
}

/** @throws ERR_EVAL_DATA when the file cannot be read or is none of vectors */
export async function checkScorers(path: string): Promise<CheckReport> {
  const text = await readText(path).catch((cause) => {
    throw dataError(path, 'it cannot be read', cause);
  });
  return checkVectors(parseVectors(text, path));
}

export function checkVectors(vectors: readonly Vector[]): CheckReport {
  const scored = vectors.filter(({ expected }) => expected !== 'RANDOM');
  const failures = vectors.flatMap((vector, index) =>
    vector.expected === 'RANDOM' ? [] : failuresOf(vector, index),
  );
  return {
    passed: scored.length - failures.length,
    failed: failures.length,
    skipped: vectors.length - scored.length,
    failures,
  };
}

/** None, or the first. */
function failuresOf(vector: Vector, index: number): CheckFailure[] {
  const cases = casesOf(vector);
  if (cases.length === 0) return [{ ...vector, index, error: 'no such variant' }];
  for (const one of cases) {
    const score = scorerOf(vector.family, one.task);
    if (!score) return [{ ...vector, index, error: 'no such scorer' }];
    try {
      const actual = score(one);
      if (!isSame(actual, vector.expected)) return [{ ...vector, index, actual }];
    } catch (error) {
      return [{ ...vector, index, error: (error as Error).message }];
    }
  }
  return [];
}

function scorerOf(family: string, task: string): Score | undefined {
  const table = Object.hasOwn(FAMILIES, family) ? FAMILIES[family]! : [];
  return table.find(([name]) => task.startsWith(name))?.[1];
}

function documentScore(vector: Case): number {
  return anls(answerOf(vector), goldsOf(vector.reference));
}

function mathVista(vector: Case): unknown {
  const { reference } = vector;
  const question: MathQuestion = {
    questionType: textColumn(reference, 'question_type'),
    answerType: textColumn(reference, 'answer_type'),
    choices: (reference.choices ?? null) as string[] | null,
    precision: numberOf({ precision: 0, ...reference }, 'precision'),
  };
  const answer = strip(answerOf(vector));
  const normalized = normalizeExtraction(answer, question);
  return {
    needs_llm_extraction: directExtraction(answer, question) === undefined,
    normalized_if_prediction_used_as_extraction: normalized,
    score: mathVistaRight(normalized, goldsOf(reference)[0]!),
  };
}

function frames({ reference }: Case): number[] {
  const total = numberOf(reference, 'total_frames');
  return sampleFrames(total, numberOf(reference, 'num_frames'), 'linspace');
}
