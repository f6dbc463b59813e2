/**
 * MathVerse: the same problems with more and less of them in the picture, one split each. A judge extracts and compares the answers;
 * without its replies a rule of our own does. Which splits the card averages is not known: the authors' command runs two.
 */
import type { Answered, Benchmark, ScoreContext } from '../benchmark.js';
import { idColumn, type Row, textColumn } from '../data/columns.js';
import { type Figure, mean } from '../figures.js';
import {
  correctnessRequest,
  finalAnswerRequest,
  sameAnswerRequest,
} from '../judge/image-requests.js';
import { mathVersePrompt } from '../prompts/image.js';
import type { Verdict } from '../scored.js';
import { mathVerseVerdict } from '../scorers/judge-replies.js';
import { lastWords, mathVerseRightOffline } from '../scorers/mathverse.js';

interface Gold {
  question: string;
  questionType: string;
  answer: string;
}

const VISION = ['vision_intensive', 'vision_dominant', 'vision_only'];
const TEXT = ['text_dominant', 'text_lite', 'text_only'];
const CONFIG = 'testmini_version_split';

const onParts = (name: string, parts: readonly string[]): Figure => ({
  name,
  of: ({ part }) => parts.includes(part),
  ...mean(),
});

export const mathVerse: Benchmark<Gold> = {
  name: 'mathverse',
  family: 'F5',
  rows: [
    {
      ...onParts('mathverse', ['vision_intensive', 'vision_only']),
      title: 'MathVerse',
      card: 26.2,
      samples: 1576,
    },
  ],
  figures: [
    onParts('all three vision splits', VISION),
    ...[...VISION, ...TEXT].map((part) => onParts(part, [part])),
  ],
  data: {
    repos: ['CaraJ/MathVerse-lmmseval'],
    parts: [
      ...VISION.map((name) => ({ name, config: CONFIG, split: name })),
      ...TEXT.map((name) => ({ name, config: CONFIG, split: name, isOptional: true })),
    ],
    mediaColumns: ['image'],
  },
  maxTokens: 1024,
  note: 'the mean of vision_intensive and vision_only; without a judge an offline approximation',

  sample: (row) => ({
    id: idColumn(row, 'sample_index'),
    ...subfieldOf(row),
    prompt: mathVersePrompt(row),
    images: [row.image],
    gold: {
      question: textColumn(row, 'question_for_eval'),
      questionType: textColumn(row, 'question_type'),
      answer: textColumn(row, 'answer'),
    },
  }),

  score(answered, context) {
    const { id, answer, gold } = answered;
    const isJudged = [id, extractionId(id)].some((key) => context.reply(key) !== undefined);
    if (isJudged) return judged(id, context);
    const right = mathVerseRightOffline(answer, {
      questionType: gold.questionType,
      gold: gold.answer,
    });
    return { score: Number(right) };
  },

  judge: {
    model: { 'v0.2.2': 'gpt-3.5-turbo', HEAD: 'gpt-4o-2024-11-20' },
    isRequired: false,
    requests: (unit, context) => unit.flatMap((answered) => requestsFor(answered, context)),
  },
};

const extractionId = (id: string) => `${id}#extraction`;

function judged(id: string, { rules, reply }: ScoreContext): Verdict {
  const said = reply(id);
  if (said === undefined) return { score: null, unscored: 'judge required' };
  const right = mathVerseVerdict(said, rules);
  if (right === undefined) return { score: null, unscored: 'unreadable reply of the judge' };
  return { score: Number(right), parsed: reply(extractionId(id)) };
}

/** v0.2.2 lets the judge extract the answer first, from its last words; nothing can be extracted from nothing. */
function requestsFor(answered: Answered<Gold>, { rules, reply }: ScoreContext) {
  const { id, gold } = answered;
  const judgedAnswer = (answer: string) => ({
    id,
    question: gold.question,
    gold: gold.answer,
    answer,
  });
  if (rules === 'HEAD') return [correctnessRequest(judgedAnswer(answered.answer))];
  const tail = lastWords(answered.answer);
  if (tail === '') return [sameAnswerRequest(judgedAnswer(''))];
  const extraction = finalAnswerRequest({ id: extractionId(id), answer: tail });
  const extracted = reply(extraction.id);
  return extracted === undefined
    ? [extraction]
    : [extraction, sameAnswerRequest(judgedAnswer(extracted.trim()))];
}

function subfieldOf({ metadata }: Row): { category?: string } {
  const subfield = (metadata as { subfield?: unknown } | null | undefined)?.subfield;
  return typeof subfield === 'string' ? { category: subfield } : {};
}
