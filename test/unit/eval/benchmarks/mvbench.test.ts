// MVBench: one JSON file and one folder of clips a task; empty answers do not count, tasks count alike.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mvBench } from '../../../../src/eval/benchmarks/mvbench.js';
import { writeClips } from '../../../support/clips.js';
import { datasetFolder, runBenchmark } from '../../../support/eval.js';

const CANDIDATES = ['Opened the door.', 'Closed the box.', 'Sat down.'];

function dataset(): string {
  const data = datasetFolder(mvBench);
  mkdirSync(join(data, 'json'), { recursive: true });
  for (const { name } of mvBench.data.parts) {
    const video = name === 'episodic_reasoning' ? 'castle_s01' : 'clip.mp4';
    const row = (answer: string) => ({ video, question: 'What?', candidates: CANDIDATES, answer });
    const rows = name === 'action_count' ? CANDIDATES.map(row) : [row('Sat down.')];
    writeFileSync(join(data, `json/${name}.json`), JSON.stringify(rows));
  }
  writeClips(
    data,
    [
      ...['video/star/Charades_v1_480', 'star/Charades_segment', 'ssv2_video', 'sta/sta_video'],
      ...['Moments_in_Time_Raw/videos', 'FunQA_test/test', 'data0613/clevrer/video_validation'],
      ...['perception/videos', 'scene_qa/video', 'nturgbd', 'vlnqa'],
    ].map((folder) => `${folder}/clip.mp4`),
  );
  writeClips(data, [
    'tvqa/frames_fps3_hq/castle_s01/00002.jpg',
    'tvqa/frames_fps3_hq/castle_s01/00001.jpg',
  ]);
  return data;
}

it('asks as documented and scores as by hand', async () => {
  const counts = ['A. Opened the door.', '', 'a box'];
  const { asked, score, report } = await runBenchmark(mvBench, {
    data: dataset(),
    answers: ({ id, part }) => (part === 'action_count' ? counts[Number(id)]! : 'C'),
  });
  expect(asked).toHaveLength(22);
  expect(asked[0]).toEqual({
    ...{ id: '0', part: 'action_sequence', images: 0, maxTokens: 16 },
    videos: ['video/star/Charades_v1_480/clip.mp4'],
    prompt:
      "<image>\nWhat?\nA. Opened the door.\nB. Closed the box.\nC. Sat down.\nAnswer with the option's letter from the given choices directly.",
  });
  expect(asked.find(({ part }) => part === 'episodic_reasoning')!.videos).toEqual([
    'tvqa/frames_fps3_hq/castle_s01',
  ]);
  // action_count: right, empty (not counted), wrong.
  expect(score.mvbench).toBeCloseTo((19 * 100 + 50) / 20);
  expect(report.rows[0]!.unscored).toEqual({ 'empty answer': 1 });
});

it('asks by the newer rules, with clips cut to the moment', async () => {
  const { asked } = await runBenchmark(mvBench, {
    ...{ data: dataset(), answers: () => 'C', rules: 'HEAD', subset: ['action_sequence'] },
  });
  expect(asked[0]).toMatchObject({
    videos: ['star/Charades_segment/clip.mp4'],
    prompt:
      '<image>\nQuestion:What?\nOption:\n(A) Opened the door.\n(B) Closed the box.\n(C) Sat down.\nOnly give the best option.\n',
  });
});
