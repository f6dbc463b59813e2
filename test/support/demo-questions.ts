/** The 600 drawn questions of demo/vqa.jsonl, which holds their pictures as data: URLs, and asking them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LlavaOneVision, Message } from '../../src/index.js';

export interface Question {
  id: string;
  images?: string[];
  video?: string[];
  question: string;
  /** The reference implementation's greedy answer. */
  reference: string;
  /** Between the best two logits, the smallest on the way to it. */
  margin: number;
}

export const allQuestions = readFileSync(join(import.meta.dirname, '../../demo/vqa.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Question);
/** Every fifth of each kind; with LLAVAOV_FULL=1 all. */
export const questions = process.env.LLAVAOV_FULL
  ? allQuestions
  : allQuestions.filter((_, i) => i % 5 === 0);

/** Greedy answers by the questions' ids. */
export async function answerAll(
  model: LlavaOneVision,
  asked: Question[],
  nAtOnce: number,
): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  const queue = asked.slice();
  const worker = async () => {
    for (let question = queue.shift(); question; question = queue.shift()) {
      const options = { temperature: 0, repetitionPenalty: 1, maxTokens: 64 };
      const { text } = await model.chat(messagesOf(question), options).result;
      answers.set(question.id, text);
    }
  };
  await Promise.all(Array.from({ length: nAtOnce }, worker));
  return answers;
}

function messagesOf({ images = [], video, question }: Question): Message[] {
  return [
    {
      role: 'user',
      content: [
        ...images.map((image) => ({ type: 'image' as const, image })),
        ...(video ? [{ type: 'video' as const, video }] : []),
        { type: 'text', text: question },
      ],
    },
  ];
}
