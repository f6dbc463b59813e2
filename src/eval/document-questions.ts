/** What DocVQA and InfoVQA share: columns, prompt, ANLS, and the submission for the test split, whose answers are not public. */
import type { Benchmark } from './benchmark.js';
import { idColumn, type Row, textsColumn } from './data/columns.js';
import { mean } from './figures.js';
import { documentPrompt } from './prompts/image.js';
import { anls } from './scorers/anls.js';
import { documentEntry } from './scorers/submissions.js';

export interface DocumentQuestions {
  name: string;
  title: string;
  card: number;
  /** How many the validation split has. */
  samples: number;
  config: string;
}

export function documentQuestions(about: DocumentQuestions): Benchmark<string[]> {
  const { name, title, card, samples, config } = about;
  return {
    name,
    family: 'F2',
    rows: [{ name, title, card, samples, ...mean() }],
    data: {
      repos: ['lmms-lab/DocVQA', 'lmms-lab-encoder/DocVQA'],
      parts: [
        { name: 'val', config, split: 'validation' },
        { name: 'test', config, split: 'test', isOptional: true, isHidden: true },
      ],
      mediaColumns: ['image'],
    },
    maxTokens: 32,
    note: 'of the validation split; the card may mean the test split, for which a submission is written',

    sample: (row) => ({
      id: idColumn(row, 'questionId'),
      prompt: documentPrompt(row),
      images: [row.image],
      gold: goldsOf(row),
    }),

    score: ({ answer, gold }) => ({ score: anls(answer, gold) }),

    submission: {
      parts: ['test'],
      write: (answers) => ({
        name: `${name}_test_for_submission.json`,
        content: JSON.stringify(answers.map(({ id, answer }) => documentEntry(id, answer))),
      }),
    },
  };
}

/** The test split has none. */
function goldsOf(row: Row): string[] {
  return row.answers === null || row.answers === undefined ? [] : textsColumn(row, 'answers');
}
