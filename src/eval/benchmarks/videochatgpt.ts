/**
 * Video-ChatGPT: free answers about clips, rated by a judge in five respects. The generic questions are rated in three of
 * them, the temporal ones in one, and pairs of questions that ask the same in one for both answers together.
 * The card's number is read as the mean of the five means.
 */
import type { Answered, Benchmark } from '../benchmark.js';
import { clipPaths } from '../clip-paths.js';
import { idColumn, type Row, textColumn } from '../data/columns.js';
import { average, type Figure, mean, type Unit } from '../figures.js';
import { type Aspect, consistencyRequest, ratingRequest } from '../judge/video-requests.js';
import { askedPrompt, consistencyPrompt } from '../prompts/video.js';
import type { Verdict } from '../scored.js';
import { dictScore } from '../scorers/judge-replies.js';

const ASPECTS: Readonly<Record<string, readonly Aspect[]>> = {
  generic: ['correctness', 'detail', 'context'],
  temporal: ['temporal'],
  consistency: ['consistency'],
};

type Gold = string;

export const videoChatGpt: Benchmark<Gold> = {
  name: 'videochatgpt',
  family: 'F6a',
  rows: [
    {
      name: 'videochatgpt',
      title: 'VideoChatGPT',
      card: 3.49,
      samples: 3494,
      digits: 2,
      value: (units) =>
        average(
          Object.values(ASPECTS)
            .flat()
            .flatMap((aspect) => meanOf(aspect, units)),
        ),
      stratum: ([first]) => first!.part,
    },
  ],
  figures: Object.entries(ASPECTS).flatMap(([part, aspects]) =>
    aspects.map((aspect) => figureOf(part, aspect)),
  ),
  data: {
    repos: ['lmms-lab/VideoChatGPT', 'lmms-eval/VideoChatGPT'],
    parts: [
      { name: 'generic', config: 'Generic', split: 'test' },
      { name: 'temporal', config: 'Temporal', split: 'test' },
      { name: 'consistency', config: 'Consistency', split: 'test' },
    ],
    mediaColumns: [],
    files: ['Test_Videos/{video_name}.mp4'],
  },
  maxTokens: 1024,

  sample(row: Row, { part, index }) {
    const isPaired = part === 'consistency';
    const video = idColumn(row, 'video_name');
    return {
      id: String(index),
      ...(isPaired && { unit: video }),
      category: part,
      prompt: isPaired ? consistencyPrompt(row) : askedPrompt(row),
      video: clipPaths(video, ['Test_Videos', 'videos', '']),
      gold: textColumn(row, 'answer'),
    };
  },

  score({ id, part, unit }, { reply }): Verdict {
    const ratings = ASPECTS[part]!.map((aspect) => {
      const said = reply(requestId(part, { id, unit }, aspect));
      return said === undefined ? undefined : ([aspect, dictScore(said)] as const);
    });
    if (!ratings.every((rating) => rating !== undefined))
      return { score: null, unscored: 'judge required' };
    return {
      score: average(ratings.map(([, rating]) => rating)),
      values: Object.fromEntries(ratings),
    };
  },

  judge: {
    model: { 'v0.2.2': 'gpt-3.5-turbo-0613', HEAD: 'gpt-4o-2024-11-20' },
    isRequired: true,
    requests(unit) {
      const { part } = unit[0]!;
      if (part !== 'consistency')
        return unit.flatMap((sample) =>
          ASPECTS[part]!.map((aspect) =>
            ratingRequest(requestId(part, sample, aspect), aspect, judged(sample)),
          ),
        );
      const [first, second] = unit;
      if (!second) return [];
      const id = requestId(part, first!, 'consistency');
      return [consistencyRequest(id, [judged(first!), judged(second)])];
    },
  },
};

/** Both samples of a pair share one request. */
function requestId(
  part: string,
  { id, unit }: { id: string; unit: string },
  aspect: Aspect,
): string {
  return part === 'consistency' ? `${unit}#${aspect}` : `${id}#${aspect}`;
}

function judged({ prompt, gold, answer }: Answered<Gold>) {
  return { question: prompt, gold, answer };
}

function figureOf(part: string, aspect: Aspect): Figure {
  const value = ({ values }: Verdict) => values![aspect]!;
  return {
    name: aspect,
    of: (sample) => sample.part === part,
    ...mean({ scale: 1, value }),
    digits: 2,
  };
}

/** Nothing where no sample of this aspect was asked. */
function meanOf(aspect: Aspect, units: readonly Unit[]): number[] {
  const ratings = units.flatMap(([first]) => first!.values?.[aspect] ?? []);
  return ratings.length === 0 ? [] : [average(ratings)];
}
