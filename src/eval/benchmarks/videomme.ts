/** Video-MME: questions about clips of all lengths, four options. Without subtitles, as on the card. */
import type { Benchmark } from '../benchmark.js';
import { clipPaths } from '../clip-paths.js';
import { idColumn, optionalText, textColumn } from '../data/columns.js';
import { mean } from '../figures.js';
import { videoMmePrompt } from '../prompts/video.js';
import { videoMmeLetter } from '../scorers/letters.js';

export const videoMme: Benchmark<string> = {
  name: 'videomme',
  family: 'F1',
  rows: [{ name: 'videomme', title: 'VideoMME', card: 58.2, samples: 2700, ...mean() }],
  data: {
    repos: ['lmms-lab/Video-MME', 'lmms-eval/Video-MME'],
    parts: [{ name: 'test', split: 'test' }],
    mediaColumns: [],
    files: ['data/{videoID}.mp4, as the videos_chunked_*.zip unpack'],
  },
  maxTokens: 16,

  sample: (row, { rules }) => ({
    id: idColumn(row, 'question_id'),
    category: optionalText(row, 'duration'),
    prompt: videoMmePrompt(row, rules),
    video: clipPaths(idColumn(row, 'videoID'), ['data', 'videos', '']),
    gold: textColumn(row, 'answer'),
  }),

  score({ answer, gold }, { rules }) {
    const parsed = videoMmeLetter(answer, rules);
    return { score: Number(parsed === gold), parsed };
  },
};
