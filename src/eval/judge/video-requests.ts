/**
 * What a judge of answers about clips is asked. The judge reads texts alone: question, right answer, answer. The words are ours, the
 * criteria and the form of the reply the reference's.
 * @see lmms-eval tasks/activitynetqa, videochatgpt and video_detail_description, utils.py
 */
import type { JudgeRequest } from './request.js';

export interface Judged {
  question: string;
  /** The right answer. */
  gold: string;
  answer: string;
}

/** What each rating is about. */
const ASPECTS = {
  correctness:
    'factual accuracy: whether the answer agrees with the right one in its facts and claims nothing that the clip does not show',
  detail:
    'level of detail: whether the answer covers all major points of the clip, and is specific about them instead of general',
  context:
    'understanding of context: whether the answer fits what the clip is about as a whole, its main themes and its mood',
  temporal:
    'understanding of time: whether the answer tells events in the order in which the clip shows them',
  consistency:
    'consistency: whether the two answers, to two ways of asking the same, agree with the right answer and with each other',
} as const;

export type Aspect = keyof typeof ASPECTS;

const MAX_TOKENS = 64;

/** Asks for 0 to 5 in one respect. */
export function ratingRequest(id: string, aspect: Aspect, judged: Judged): JudgeRequest {
  const { question, gold, answer } = judged;
  return rating(id, aspect, [
    `Question: ${question}`,
    `Right answer: ${gold}`,
    `Answer to judge: ${answer}`,
  ]);
}

/** Asks whether two answers agree, 0 to 5. */
export function consistencyRequest(id: string, [first, second]: readonly [Judged, Judged]) {
  return rating(id, 'consistency', [
    `First question: ${first.question}`,
    `Second question: ${second.question}`,
    `Right answer to both: ${first.gold}`,
    `Answer to the first: ${first.answer}`,
    `Answer to the second: ${second.answer}`,
  ]);
}

function rating(id: string, aspect: Aspect, lines: readonly string[]): JudgeRequest {
  return {
    id,
    messages: [
      {
        role: 'system',
        content: `You judge answers to questions about video clips. You rate one thing only, ${ASPECTS[aspect]}. Synonyms and other wordings count as equal.`,
      },
      {
        role: 'user',
        content: `${lines.join('\n')}\n\nRate it with a whole number from 0 (worst) to 5 (best). Reply with nothing but a Python dictionary of one key, for example {'score': 4}.`,
      },
    ],
    maxTokens: MAX_TOKENS,
    rule: "a Python dictionary {'score': 0-5}; 0 if it cannot be read",
  };
}

/** Asks whether an answer means the same as the right one, and how well it matches, 0 to 5. */
export function matchRequest(id: string, { question, gold, answer }: Judged): JudgeRequest {
  return {
    id,
    messages: [
      {
        role: 'system',
        content:
          'You judge answers to questions about video clips: does the answer mean the same as the right one? Synonyms and other wordings count as equal.',
      },
      {
        role: 'user',
        content: `Question: ${question}\nRight answer: ${gold}\nAnswer to judge: ${answer}\n\nSay whether they match, and how well with a whole number from 0 to 5, 5 being the best match. Reply with nothing but a Python dictionary of two keys, for example {'pred': 'yes', 'score': 4}.`,
      },
    ],
    maxTokens: MAX_TOKENS,
    rule: "a Python dictionary {'pred': 'yes' or 'no', 'score': 0-5}; no and 0 if it cannot be read",
  };
}
