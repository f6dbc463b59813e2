/**
 * EgoSchema: what somebody does in a clip of three minutes, five options. Answers are public for 500 questions (part
 * `subset`); those of the full set are scored by the benchmark's own server, for which a submission is written.
 */
import type { Benchmark } from '../benchmark.js';
import { clipPaths } from '../clip-paths.js';
import { idColumn, numberColumn, type Row, textsColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { egoPrompt } from '../prompts/video.js';
import { drawIndex } from '../random.js';
import { egoChoice, lettered } from '../scorers/mmmu-choice.js';

interface Gold {
  options: string[];
  /** Index of the right one; null where it is not public. */
  right: number | null;
}

export const egoSchema: Benchmark<Gold> = {
  name: 'egoschema',
  family: 'F1',
  rows: [{ name: 'egoschema', title: 'EgoSchema', card: 60.1, samples: 5031, ...mean() }],
  data: {
    repos: ['lmms-lab/egoschema', 'lmms-eval/egoschema'],
    parts: [
      { name: 'subset', config: 'Subset', split: 'test' },
      { name: 'full', config: 'GENERATION', split: 'test', isOptional: true, isHidden: true },
    ],
    mediaColumns: [],
    files: ['videos/{video_idx}.mp4'],
  },
  maxTokens: 1024,
  note: 'scored on the 500 questions with public answers; the card probably means all 5,031',

  sample(row, { rules }) {
    const video = idColumn(row, 'video_idx');
    return {
      id: video,
      prompt: egoPrompt(row),
      video: clipPaths(video, ['videos', '']),
      ...(rules === 'HEAD' && { maxTokens: 16 }),
      gold: { options: textsColumn(row, 'option'), right: rightOf(row) },
    };
  },

  score({ id, answer, gold }) {
    const { index, isRandom } = choose(id, answer, gold);
    return { score: Number(index === gold.right), parsed: index, isRandom };
  },

  submission: {
    parts: ['full'],
    write: (answers) => ({
      name: 'egoschema_full.json',
      content: JSON.stringify(
        Object.fromEntries(
          answers.map(({ id, answer, gold }) => [id, choose(id, answer, gold).index]),
        ),
      ),
    }),
  },
};

function rightOf(row: Row): number | null {
  const isHidden = [null, undefined, ''].includes(row.answer as string);
  return isHidden ? null : numberColumn(row, 'answer');
}

function choose(id: string, answer: string, { options }: Gold) {
  const choices = lettered(options);
  const letter = egoChoice(answer, choices);
  return letter === undefined
    ? { index: drawIndex(id, options.length), isRandom: true }
    : { index: choices.letters.indexOf(letter), isRandom: false };
}
