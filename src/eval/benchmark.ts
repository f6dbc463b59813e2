/**
 * What a benchmark is: where its rows lie, what is asked about each, how an answer is scored, and how scores become the
 * figures of the model card. Everything else (reading, asking, storing, intervals, reports) is the same for all.
 * Benchmarks are pure: they see rows and texts, never files, models or pictures.
 */
import type { MultiImage } from '../vision/image-plan.js';
import type { Row } from './data/columns.js';
import type { Figure } from './figures.js';
import type { JudgeRequest } from './judge/request.js';
import type { Verdict } from './scored.js';
import type { Rules } from './scorers/rules.js';

/** Families of scorers: F1 multiple choice, F2 ANLS, F3 relaxed accuracy, F4 yes/no pairs, F5 extract then compare, F6a a judge's
 *  rating, F6b a judge's two ratings, F6c a judge's yes or no, F7 submission file. */
export type Family = 'F1' | 'F2' | 'F3' | 'F4' | 'F5' | 'F6a' | 'F6b' | 'F6c' | 'F7' | 'demo';

export interface Benchmark<Gold = unknown> {
  /** As on the command line; also the folder of its answers. Lower case, digits, hyphens. */
  name: string;
  family: Family;
  /** The rows of the model card that it gives; one, but for MME and SEED-Bench. */
  rows: readonly CardRow[];
  /** What is reported beside them: halves, splits, other averages. */
  figures?: readonly Figure[];
  data: DataSource;
  /** Longest answer in tokens; a sample may say otherwise. */
  maxTokens: number;
  /** What several pictures become. Default 'pad-no-newline', as lmms-eval gives them. */
  multiImage?: MultiImage;
  /** What the score is not, for people: 'offline approximation: no language model matches the answers'. */
  note?: string;

  /**
   * What is asked about a row; null for a row that is not part of it. Called with the media columns left out too, to
   * count and compare questions, so it only passes their values on and never looks into them.
   * @throws ERR_EVAL_DATA for a column that is not as documented (data/columns.ts does)
   */
  sample(row: Row, place: SamplePlace): Sample<Gold> | null;

  /** The verdict on one answer. Not called for parts without answers. */
  score(answered: Answered<Gold>, context: ScoreContext): Verdict;

  judge?: Judge<Gold>;
  /** The file that a benchmark's own server scores, for the parts without public answers. */
  submission?: Submission<Gold>;
}

/** A figure that the model card states; a demonstration's is not on it. */
export interface CardRow extends Figure {
  /** As on the command line: 'mme-perception'. */
  name: string;
  /** As on the card. */
  title: string;
  /** Null: not on the card. */
  card: number | null;
  /** About how many the whole data has; the card does not say. */
  samples: number;
}

export interface DataSource {
  /** The dataset's names on the hub, that of the card's week first. */
  repos: readonly string[];
  parts: readonly DataPart[];
  /** Columns that hold pictures. */
  mediaColumns: readonly string[];
  /** What is wanted beside the tables, for people: 'videos/{video_idx}.mp4'. */
  files?: readonly string[];
  /** For people: 'gated: ask for access first'. */
  note?: string;
}

/** One config and split of a dataset, or one way of asking about it. */
export interface DataPart {
  /** As `--subset` takes it, and first half of a sample's key. */
  name: string;
  /** Default: the dataset has only one. */
  config?: string;
  split: string;
  /** Where its tables are within the dataset's folder, if not where they usually are; `*` matches within a name. */
  tables?: readonly string[];
  /** True: only when `--subset` names it. */
  isOptional?: boolean;
  /** True: its answers are not public. It is generated, and written as a submission. */
  isHidden?: boolean;
}

export interface SamplePlace {
  part: string;
  rules: Rules;
  /** Number of the row in its part, from 0: the id of rows that have none. */
  index: number;
}

export interface Sample<Gold = unknown> {
  /** The row's id in its part; the second of two equal ones is called `id#2`. */
  id: string;
  /** Samples of one unit are scored together and never selected apart. Default: each is its own. */
  unit?: string;
  category?: string;
  /** The task's text, without any `<image>` before it; where it has the literal `<image>`, the pictures go there. */
  prompt: string;
  /** Values of media columns, lists of pictures too, in the order of the prompt; null and '' are left out. One picture is tiled, several are
   *  padded squares. */
  images?: readonly unknown[];
  /** A clip below the dataset's folder, or several paths of which the first that exists is taken. */
  video?: string | readonly string[];
  /** A clip as a list of values of media columns; all are looked at, 32 at most. */
  frames?: unknown;
  maxTokens?: number;
  /** What `score` compares with. Stored as JSON beside the answer. */
  gold: Gold;
}

/** A stored answer. */
export interface Answered<Gold = unknown> {
  id: string;
  part: string;
  /** Equal to `id` where the sample named none. */
  unit: string;
  category?: string;
  prompt: string;
  gold: Gold;
  /** Without special tokens, stripped as Python does. */
  answer: string;
}

export interface ScoreContext {
  rules: Rules;
  /** The judge's reply to the request of this id; undefined as long as there is none. */
  reply(requestId: string): string | undefined;
}

export interface Judge<Gold = unknown> {
  /** The model that these rules call. */
  model: Readonly<Record<Rules, string>>;
  /** True: without replies there is no score. False: the offline rule stands in. */
  isRequired: boolean;
  /**
   * What to ask about one unit, given the replies so far; asked again after each reply, so that a second request may
   * depend on the first's. Ids are the sample's, or `id#aspect`, and stay the same.
   */
  requests(unit: readonly Answered<Gold>[], context: ScoreContext): JudgeRequest[];
}

export interface Submission<Gold = unknown> {
  parts: readonly string[];
  /** The file of all answers of one part, in the order of the data. */
  write(
    answers: readonly Answered<Gold>[],
    context: { part: string; rules: Rules },
  ): SubmissionFile;
}

export interface SubmissionFile {
  name: string;
  content: string | Uint8Array;
}
