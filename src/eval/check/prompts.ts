/** What is asked, by the benchmarks' own prompt functions. */
import {
  ai2dPrompt,
  barePrompt,
  chartPrompt,
  documentPrompt,
  mathVersePrompt,
  mmbenchPrompt,
  mmePrompt,
  mmmuPrompt,
  realWorldPrompt,
  sciencePrompt,
  seedPrompt,
  starPrompt,
  vetPrompt,
  vibePrompt,
  wilderPrompt,
} from '../prompts/image.js';
import { MATHVISTA_FORMS, type MathVistaForm, mathVistaPrompt } from '../prompts/mathvista.js';
import {
  activityPrompt,
  askedPrompt,
  consistencyPrompt,
  egoPrompt,
  mlvuPrompt,
  mvBenchPrompt,
  nextQaPrompt,
  perceptionPrompt,
  videoMmePrompt,
} from '../prompts/video.js';
import type { Case } from './vector.js';

/** By the beginning of the task's name. */
export const PROMPTS: readonly (readonly [task: string, ask: (vector: Case) => string])[] = [
  ['ai2d', ({ reference }) => ai2dPrompt(reference)],
  ['chartqa', ({ reference }) => chartPrompt(reference)],
  ['docvqa', ({ reference }) => documentPrompt(reference)],
  ['infovqa', ({ reference }) => documentPrompt(reference)],
  ['mathverse', ({ reference }) => mathVersePrompt(reference)],
  ['mathvista', (vector) => mathVistaPrompt(vector.reference, mathVistaForm(vector))],
  ['mmbench', ({ reference }) => mmbenchPrompt(reference)],
  ['mmmu', ({ reference }) => mmmuPrompt(reference)],
  ['mmvet', ({ reference }) => vetPrompt(reference)],
  ['mmstar', ({ reference }) => starPrompt(reference)],
  ['mme', ({ reference }) => mmePrompt(reference)],
  ['seedbench', ({ reference }) => seedPrompt(reference)],
  ['scienceqa', ({ reference }) => sciencePrompt(reference)],
  ['dc100', ({ reference }) => barePrompt(reference)],
  ['live_bench', ({ reference }) => barePrompt(reference)],
  ['realworldqa', ({ reference }) => realWorldPrompt(reference)],
  ['vibe_eval', ({ reference }) => vibePrompt(reference)],
  ['llava_in_the_wild', ({ reference }) => barePrompt(reference)],
  ['llava_wilder', ({ reference }) => wilderPrompt(reference)],
  ['activitynetqa', ({ reference }) => activityPrompt(reference)],
  ['egoschema', ({ reference }) => egoPrompt(reference)],
  ['mlvu', ({ reference, rules }) => mlvuPrompt(reference, rules)],
  ['mvbench', ({ reference, rules }) => mvBenchPrompt(reference, rules)],
  ['nextqa', ({ reference }) => nextQaPrompt(reference)],
  ['perceptiontest', ({ reference }) => perceptionPrompt(reference)],
  ['videochatgpt_consistency', ({ reference }) => consistencyPrompt(reference)],
  ['videochatgpt', ({ reference }) => askedPrompt(reference)],
  ['video_dc', ({ reference }) => askedPrompt(reference)],
  ['videomme', ({ reference, rules }) => videoMmePrompt(reference, rules)],
];

/** The vector says it, or the task's name does. */
function mathVistaForm({ task, reference }: Case): MathVistaForm {
  const asked = String(reference.shot_type ?? '');
  const form = Object.values(MATHVISTA_FORMS).find((name) => name === asked);
  return form ?? MATHVISTA_FORMS[task.split('_').at(-1)!] ?? 'reason-first';
}
