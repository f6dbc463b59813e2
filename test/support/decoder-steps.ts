/** Steps of a tiny decoder, whose samples show every token's probability. */
import type { NativeSample, NativeSlice } from '../../src/binding.js';
import { type OpenedDecoder, openedDecoder } from './opened-decoder.js';
import { randomNormal } from './random.js';
import { CONTEXT_OPTIONS, type OpenDecoder, TINY } from './tiny-decoder.js';

export const ids = (...tokens: number[]) => Int32Array.from(tokens);
export const PROMPT = ids(...Array.from({ length: 100 }, (_, i) => (i * 37) % 250));

/** The rows that the file's embedding gives for ids: it is the first random tensor written. */
export function rowsOf(tokens: Int32Array): Float32Array {
  const normal = randomNormal(1);
  const scale = 2 / Math.sqrt(TINY.nEmbd);
  const table = Float32Array.from({ length: TINY.nEmbd * TINY.nVocab }, () => scale * normal());
  const rows = new Float32Array(tokens.length * TINY.nEmbd);
  tokens.forEach((id, i) => {
    rows.set(table.subarray(id * TINY.nEmbd, (id + 1) * TINY.nEmbd), i * TINY.nEmbd);
  });
  return rows;
}

export interface DecoderSteps extends OpenedDecoder {
  sampled(slice: Omit<NativeSlice, 'sampler'>, from?: OpenDecoder): NativeSlice;
  slice(sequence: number, position: number, data: NativeSlice['data']): NativeSlice;
  /** Runs a step and returns its samples; slices must all have samplers. */
  step(...slices: NativeSlice[]): Promise<NativeSample[]>;
  clear(): void;
  /** The answer of a fresh sequence to a prompt: what everything else is compared with. */
  fresh(prompt: Int32Array): Promise<NativeSample>;
}

/** To be called once in a test file. */
export function decoderSteps(): DecoderSteps {
  const opened = openedDecoder();
  const steps: DecoderSteps = Object.assign(opened, {
    sampled: (slice: Omit<NativeSlice, 'sampler'>, from: OpenDecoder = opened.decoder) => ({
      ...slice,
      sampler: from.sampler({ nTop: TINY.nVocab }),
    }),
    slice: (sequence: number, position: number, data: NativeSlice['data']) =>
      steps.sampled({ sequence, position, data }),
    step: async (...slices: NativeSlice[]) =>
      (await opened.decoder.context.step(slices)) as NativeSample[],
    clear() {
      for (let sequence = 0; sequence < CONTEXT_OPTIONS.nSeqMax; sequence++)
        opened.decoder.context.removePositions(sequence, 0);
    },
    async fresh(prompt: Int32Array) {
      steps.clear();
      const [result] = await steps.step(steps.slice(0, 0, prompt));
      steps.clear();
      return result!;
    },
  });
  return steps;
}
