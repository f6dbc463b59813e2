/** The figures of `bench` in words, a label and a text for each line. */
import { byteSize } from '../../byte-size.js';
import type { ModelInfo } from '../../index.js';
import type { BenchFigures } from './measure.js';

export interface BenchResult extends BenchFigures {
  /** As it was named. */
  model: string;
  memory: { peakBytes: number; gpuBytes: number };
}

export function describe(
  { model, picture, prefill, generation, memory }: BenchResult,
  { description, backend, threads, kernels }: ModelInfo,
  runs: number,
): [label: string, text: string][] {
  const onGpu = memory.gpuBytes > 0 ? `, ${byteSize(memory.gpuBytes)} on GPUs` : '';
  const ofPicture: [string, string][] = picture
    ? [
        ['Tile', `${inTime(picture.tileMs)} (${picture.tiles} tiles, ${picture.rows} rows)`],
        ['First token', `${inTime(picture.firstTokenMs)} after a question about the picture`],
      ]
    : [];
  return [
    ['Model', `${model}: ${description}`],
    ['Runs on', `${backend.name}, ${threads} threads${kernels ? `, ${kernels} kernels` : ''}`],
    ...ofPicture,
    ['Prompt', `${perSecond(prefill)} (${prefill.tokens} tokens)`],
    ['Answer', `${perSecond(generation)} (${generation.tokens} tokens)`],
    ['Memory', `${byteSize(memory.peakBytes)} at most${onGpu}`],
    ['', `medians of ${runs}`],
  ];
}

export const inTime = (ms: number) =>
  ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

export const perSecond = ({ tokensPerSecond }: { tokensPerSecond: number }) =>
  `${tokensPerSecond.toFixed(1)} tokens/s`;
