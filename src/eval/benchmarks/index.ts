/** The list of all benchmarks; adding one is its file and a line here. */
import type { Benchmark } from '../benchmark.js';
import { activityNetQa } from './activitynetqa.js';
import { ai2d } from './ai2d.js';
import { chartQa } from './chartqa.js';
import { demoVqa } from './demo-vqa.js';
import { docVqa } from './docvqa.js';
import { egoSchema } from './egoschema.js';
import { imageDc } from './imagedc.js';
import { infoVqa } from './infovqa.js';
import { liveBench } from './livebench.js';
import { llavaW } from './llava-w.js';
import { llavaWilder } from './llava-wilder.js';
import { mathVerse } from './mathverse.js';
import { mathVista } from './mathvista.js';
import { mlvu } from './mlvu.js';
import { mmBench } from './mmbench.js';
import { mme } from './mme.js';
import { mmmu } from './mmmu.js';
import { mmStar } from './mmstar.js';
import { mmVet } from './mmvet.js';
import { mvBench } from './mvbench.js';
import { nextQa } from './nextqa.js';
import { perceptionTest } from './perceptiontest.js';
import { realWorldQa } from './realworldqa.js';
import { scienceQa } from './scienceqa.js';
import { seedBench } from './seedbench.js';
import { vibeEval } from './vibe-eval.js';
import { videoDc } from './video-dc.js';
import { videoChatGpt } from './videochatgpt.js';
import { videoMme } from './videomme.js';

/** In the order of the model card. */
export const benchmarks: readonly Benchmark[] = [
  ai2d,
  chartQa,
  docVqa,
  infoVqa,
  mathVerse,
  mathVista,
  mmBench,
  mme,
  mmmu,
  mmVet,
  mmStar,
  seedBench,
  scienceQa,
  imageDc,
  liveBench,
  realWorldQa,
  vibeEval,
  llavaW,
  llavaWilder,
  activityNetQa,
  egoSchema,
  mlvu,
  mvBench,
  nextQa,
  perceptionTest,
  videoChatGpt,
  videoDc,
  videoMme,
  demoVqa, // not on the card
];
