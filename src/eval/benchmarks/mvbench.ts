/** MVBench: twenty tasks on short clips, 200 questions each; the card's number is the mean of the tasks. */
import type { Benchmark } from '../benchmark.js';
import { inFolder } from '../clip-paths.js';
import { textColumn, textsColumn } from '../data/columns.js';
import { macroMean } from '../figures.js';
import { LETTERS } from '../option-letters.js';
import { mvBenchPrompt } from '../prompts/video.js';
import { mvBenchAnswer } from '../scorers/letters.js';
import type { Rules } from '../scorers/rules.js';

type Folders = Readonly<Record<Rules, string>>;

const everywhere = (folder: string): Folders => ({ 'v0.2.2': folder, HEAD: folder });
const CHARADES = { 'v0.2.2': 'star/Charades_v1_480', HEAD: 'star/Charades_segment' };
const CLEVRER = everywhere('clevrer/video_validation');
const PERCEPTION = everywhere('perception/videos');

/** Where the clips of each task lie. The newer rules take clips cut to the moment in question. */
const TASKS: Readonly<Record<string, Folders>> = {
  action_sequence: CHARADES,
  action_prediction: CHARADES,
  action_antonym: { 'v0.2.2': 'ssv2_video', HEAD: 'ssv2_video_mp4' },
  fine_grained_action: everywhere('Moments_in_Time_Raw/videos'),
  unexpected_action: everywhere('FunQA_test/test'),
  object_existence: CLEVRER,
  object_interaction: CHARADES,
  object_shuffle: PERCEPTION,
  moving_direction: CLEVRER,
  action_localization: { 'v0.2.2': 'sta/sta_video', HEAD: 'sta/sta_video_segment' },
  scene_transition: everywhere('scene_qa/video'),
  action_count: PERCEPTION,
  moving_count: CLEVRER,
  moving_attribute: CLEVRER,
  state_change: PERCEPTION,
  fine_grained_pose: { 'v0.2.2': 'nturgbd', HEAD: 'nturgbd_convert' },
  character_order: PERCEPTION,
  egocentric_navigation: everywhere('vlnqa'),
  // v0.2.2 reads folders of frames, and by a slip shows the model the first of them alone; here it sees the clip.
  episodic_reasoning: { 'v0.2.2': 'tvqa/frames_fps3_hq', HEAD: 'tvqa/video_fps3_hq_segment' },
  counterfactual_inference: CLEVRER,
};

/** What the archives may unpack into. */
const ROOTS = ['', 'video', 'data0613'];

export const mvBench: Benchmark<string> = {
  name: 'mvbench',
  family: 'F1',
  rows: [{ name: 'mvbench', title: 'MVBench', card: 56.7, samples: 4000, ...macroMean() }],
  data: {
    repos: ['OpenGVLab/MVBench'],
    parts: Object.keys(TASKS).map((name) => ({
      name,
      config: name,
      split: 'train',
      tables: [`json/${name}.json`],
    })),
    mediaColumns: [],
    files: ['video/*.zip, unpacked: star/, clevrer/, perception/, …'],
  },
  maxTokens: 16,
  note: 'whole clips are shown, as v0.2.2 does; empty answers are left out, as the reference does',

  sample(row, { part, rules, index }) {
    const folder = TASKS[part]![rules];
    const gold = textsColumn(row, 'candidates').indexOf(textColumn(row, 'answer'));
    return {
      id: String(index),
      category: part,
      prompt: mvBenchPrompt(row, rules),
      video: ROOTS.map((root) => inFolder(`${folder}/${textColumn(row, 'video')}`, root)),
      gold: LETTERS[gold] ?? '',
    };
  },

  score({ answer, gold }) {
    if (answer === '') return { score: null, unscored: 'empty answer' };
    const parsed = mvBenchAnswer(answer);
    return { score: Number(parsed === gold), parsed };
  },
};
