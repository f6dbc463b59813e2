/**
 * What a judge of answers about pictures is asked. The words are ours; criteria, parts, order and the form of the reply are the
 * reference's, so that its parsers and scales apply.
 * @see lmms-eval v0.2.2, utils.py of each task
 */
import { mathVerseVerdict, vetScore } from '../scorers/judge-replies.js';
import type { JudgeRequest } from './request.js';

interface Judged {
  id: string;
  question: string;
  /** The right answer. */
  gold: string;
  answer: string;
}

const VET_EXAMPLES = `Question | Right answer | Answer | Correctness
--- | --- | --- | ---
Which two colours does the flag have? | red <AND> white | It is red. | 0.5
Which two colours does the flag have? | red <AND> white | Red and white stripes. | 1.0
Which two colours does the flag have? | red <AND> white | It is green. | 0.0
Who is the man on the stamp? | Kepler <OR> Johannes Kepler | Kepler, the astronomer | 1.0`;

/** MM-Vet: 0.0 to 1.0 in steps of a tenth; tried again, warmer, until a number comes. */
export function vetRequest({ id, question, gold, answer }: Judged): JudgeRequest {
  const spaced = gold.replaceAll('<AND>', ' <AND> ').replaceAll('<OR>', ' <OR> ');
  return {
    id,
    messages: [
      user(
        'Compare an answer with the right one and say how correct it is: 0.0 (wrong), 0.1, … 0.9 or 1.0 (fully right). ' +
          'Where the right answer says <AND>, it is fully right only with all of its elements; where it says <OR>, one of them is enough. ' +
          `Complete the last line with the number alone.\n\n${VET_EXAMPLES}\n${question} | ${spaced} | ${answer} |`,
      ),
    ],
    maxTokens: 128,
    temperatures: [0, 0.5, 1, 1.5, 2],
    rule: 'the first word, a number from 0.0 to 1.0; 0 if it cannot be read',
    accepts: (reply) => vetScore(reply) !== undefined,
  };
}

/** ImageDC: 0 to 100 for a description of the picture shown. */
export function descriptionRequest({ id, answer }: Pick<Judged, 'id' | 'answer'>): JudgeRequest {
  return {
    id,
    messages: [
      user(
        `Description: ${answer}\n\nHow correctly and completely does this text describe the picture? Weigh everything together: ` +
          'the look, place, pose and action of objects and people, shapes, and what is in the background; no single point decides. ' +
          'Wording about people counts only as right or wrong, not as fitting. ' +
          'Explain in a few lines, then end with the rating from 0 to 100 in this form:\nFinal Score: 70',
      ),
    ],
    hasImages: true,
    maxTokens: 1024,
    rule: 'the whole number after `Final Score: `; 0 if there is none',
  };
}

/** LiveBench: 0 to 10 by the question's own criteria. */
export function liveRequest(judged: Judged & { criteria: string }): JudgeRequest {
  const { id, question, gold, answer, criteria } = judged;
  return {
    id,
    messages: [
      user(
        `[Question]\n${question}\n\n[Answer to judge]\n${answer}\n\n[Right answer]\n${gold}\n\n[Criteria]\n${criteria}\n\n` +
          'Rate how well the answer agrees with the right one, given the pictures, from 0 (wrong) to 10 (right), by these criteria. ' +
          'An answer refused for political reasons gets 0. ' +
          'Reply with a JSON object of two keys: "Explanation", a text, and "Rating", a whole number.',
      ),
    ],
    hasImages: true,
    maxTokens: 1024,
    json: true,
    rule: 'JSON with Explanation and Rating 0-10; not counted if it cannot be read',
  };
}

/** Vibe-Eval: 1 to 5; the judge sees no picture. */
export function vibeRequest({ id, question, gold, answer }: Judged): JudgeRequest {
  return {
    id,
    messages: [
      user(
        `[Question]\n${question}\n\n[Answer to judge]\n${answer}\n\n[Right answer]\n${gold}\n\n` +
          'The question is about a picture that the user sees. Rate whether the answer agrees with the right one, from 1 (wrong) to 5 (right). ' +
          'Reply in this form:\nExplanation: (why)\nRating: (a whole number)',
      ),
    ],
    maxTokens: 1024,
    temperatures: [0.4],
    rule: 'the digit 1-5 after `Rating:`; 0 if there is none',
  };
}

const PAIR_REPLY =
  'On the first line write nothing but two numbers from 1 (worst) to 10 (best), the rating of Assistant 1, a space, the rating of Assistant 2. ' +
  'Explain them on the following lines. Which of the two stands first must not matter.';
const PAIR_RULE = 'two numbers on the first line; -1 and -1 if they cannot be read';
const PAIR_CRITERIA = 'Rate how helpful, relevant, accurate and detailed the two answers are.';

/** LLaVA-W: the reference's answer and this one, side by side; a caption stands for the picture. */
export function wildRequest(judged: Judged & { caption: string }): JudgeRequest {
  const { id, caption, ...pair } = judged;
  return {
    id,
    messages: [
      {
        role: 'system',
        content: 'You compare the answers of two assistants, helpfully and precisely.',
      },
      user(
        `[Context]\n${caption}\n\n${sideBySide(pair)}[System]\n` +
          `The question is about a picture, of which the context is a description. ${PAIR_CRITERIA} ${PAIR_REPLY}`,
      ),
    ],
    maxTokens: 1024,
    temperatures: [0.2],
    rule: PAIR_RULE,
  };
}

/** LLaVA-Wilder: as LLaVA-W, with the picture shown. */
export function wilderRequest({ id, ...pair }: Judged): JudgeRequest {
  return {
    id,
    messages: [
      user(
        `${sideBySide(pair)}[System]\nThe question is about the picture shown. ${PAIR_CRITERIA} ` +
          `Assistant 1 is right and always gets a 10. ${PAIR_REPLY}`,
      ),
    ],
    hasImages: true,
    maxTokens: 1024,
    rule: PAIR_RULE,
  };
}

function sideBySide({ question, gold, answer }: Omit<Judged, 'id'>): string {
  return (
    `[Question]\n${question}\n\n[Assistant 1]\n${gold}\n\n[End of Assistant 1]\n\n` +
    `[Assistant 2]\n${answer}\n\n[End of Assistant 2]\n\n`
  );
}

/** MathVista: the answer within a response, in the form that the question asks for. */
export function extractionRequest({ id, question, answer }: Omit<Judged, 'gold'>): JudgeRequest {
  return {
    id,
    messages: [
      user(
        'Find the final answer in the response to a question, and repeat it in the form that the question asks for: ' +
          'an option letter, a whole number, a decimal number or a Python list. Write nothing else.\n\n' +
          'Question: How many apples are there? Answer with a whole number.\n\nResponse: I count 14 apples.\n\nExtracted answer: 14\n\n' +
          'Question: Which is blue?\n(A) the sky\n(B) the grass\n\nResponse: It must be (A), the sky.\n\nExtracted answer: A\n\n' +
          'Question: In which two years was it highest? Answer with a Python list.\n\nResponse: In 2007 and 2008.\n\nExtracted answer: [2007, 2008]\n\n' +
          `Question: ${question}\n\nResponse: ${answer}\n\nExtracted answer: `,
      ),
    ],
    maxTokens: 256,
    rule: 'the answer alone; it is normalised as the question asks',
  };
}

/** MathVerse, first of two: the answer within the end of a response. */
export function finalAnswerRequest({ id, answer }: Pick<Judged, 'id' | 'answer'>): JudgeRequest {
  return {
    id,
    messages: [
      user(
        'Repeat the final answer of this response to a mathematical question, the option letter or the value, and write nothing else. ' +
          'If there is none, write an empty answer.\n\n' +
          "Response: 'Angle AOD = 55, so the answer is B'\nExtracted answer: B\n\n" +
          "Response: 'we get x = 2, and so the side is 5 cm long.'\nExtracted answer: 5 cm\n\n" +
          `Response: '${answer}'\nExtracted answer: `,
      ),
    ],
    maxTokens: 256,
    rule: 'the answer alone',
  };
}

/** MathVerse, second: whether it is the right one. Asked again until it says 0 or 1. */
export function sameAnswerRequest(judged: Judged): JudgeRequest {
  return {
    ...comparison(judged),
    maxTokens: 8,
    temperatures: [0, 0, 0, 0, 0],
    accepts: (reply) => mathVerseVerdict(reply, 'v0.2.2') !== undefined,
  };
}

/** MathVerse, newer rules: the whole response at once. */
export function correctnessRequest(judged: Judged): JudgeRequest {
  return { ...comparison(judged), maxTokens: 256 };
}

function comparison({ id, question, gold, answer }: Judged) {
  return {
    id,
    messages: [
      user(
        'Do these two answers to a question say the same? Equal values in other words or notations are the same; a letter stands for its option.\n' +
          `[Question]: ${question}\n[Right answer]: ${gold}\n[Answer to judge]: ${answer}\n` +
          'Write 1 if they do and 0 if not, and nothing else.\nJudgement: ',
      ),
    ],
    rule: '0 or 1',
  };
}

/** MMBench: which option an answer means, or E for none. */
export function optionRequest(judged: {
  id: string;
  question: string;
  options: Readonly<Record<string, string>>;
  answer: string;
}): JudgeRequest {
  const { id, question, options, answer } = judged;
  const listed = Object.entries(options).map(([letter, text]) => `${letter}. ${text}`);
  return {
    id,
    messages: [
      user(
        'Say which option of a question an answer means. Write its letter alone, in upper case; write E if it means none of them.\n\n' +
          'Question: What is on the sofa?\nOptions: A. teddy bear B. rabbit C. cat D. dog\nAnswer: a cute teddy bear\nLetter: A\n\n' +
          'Question: What is on the sofa?\nOptions: A. teddy bear B. rabbit C. cat D. dog\nAnswer: Spider\nLetter: E\n\n' +
          `Question: ${question}\nOptions: ${listed.join(' ')}\nAnswer: ${answer}\nLetter: `,
      ),
    ],
    maxTokens: 256,
    temperatures: [0, 0, 0],
    rule: 'one letter A-E; a drawn one if it cannot be read',
  };
}

function user(content: string) {
  return { role: 'user' as const, content };
}
