/**
 * The step that is computed before it is asked for: whatever comes instead finds the context as if it had never been. Each
 * scenario is run with and without, and has to bring the same to the last bit.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/load-addon.js';
import type { NativeContext, NativeSample, NativeSlice } from '../../src/binding.js';
import { ids, PROMPT, rowsOf } from '../support/decoder-steps.js';
import {
  badEmbedding,
  CONTEXT_OPTIONS,
  type OpenDecoder,
  openDecoder,
  TINY,
  temporaryFolder,
  writeTinyDecoder,
} from '../support/tiny-decoder.js';

const folder = temporaryFolder();
let decoder: OpenDecoder;
let other: OpenDecoder;
beforeAll(async () => {
  const path = await writeTinyDecoder(join(folder.path, 'tiny.gguf'));
  decoder = await openDecoder(path);
  other = await openDecoder(path);
});
afterAll(async () => {
  await decoder.dispose();
  await other.dispose();
  folder.remove();
});

interface Rig {
  context: NativeContext;
  /** One slice with a sampler of its own and all log-probabilities. */
  slice(sequence: number, position: number, data: NativeSlice['data']): NativeSlice;
  /** A step that says what the run is about; waits until what comes next is computed, where the run is about that. */
  step(...slices: NativeSlice[]): Promise<NativeSample[]>;
}

interface Mode {
  goesOn: boolean;
  /** A step of another model stands in line behind what is computed ahead. */
  waits?: boolean;
  isOwn?: boolean;
}

/** What the scenario brings on a fresh context, and how many of its steps were there before they were asked for. */
async function run<T>({ goesOn, waits, isOwn }: Mode, scenario: (rig: Rig) => Promise<T>) {
  const pool = isOwn ? new (native().ThreadPool)(1, true) : decoder.pool;
  const context = await native().createContext(decoder.model, pool, CONTEXT_OPTIONS);
  const rig: Rig = {
    context,
    slice: (sequence, position, data) => {
      const sampler = decoder.sampler({ nTop: TINY.nVocab });
      return { sequence, position, data, sampler };
    },
    step: async (...slices) => {
      const samples = await context.step(slices, goesOn);
      if (waits) await stepOfAnother();
      return samples as NativeSample[];
    },
  };
  try {
    return { value: await scenario(rig), nAhead: context.nAhead };
  } finally {
    await context.dispose();
    if (isOwn) await pool.dispose();
  }
}

async function stepOfAnother(): Promise<void> {
  await other.context.step([{ sequence: 0, position: 0, data: ids(1), sampler: null }]);
  other.context.removePositions(0, 0);
}

/** What was thrown, to be compared. */
const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error) => ({ ...error, message: error.message }),
  );

const END = PROMPT.length;
/** Reads the prompt: what follows is the token of the sample, at END. */
const start = async ({ step, slice }: Rig) => (await step(slice(0, 0, PROMPT)))[0]!;
const different = ({ token }: NativeSample) => ids((token + 1) % 250);

const SCENARIOS: Record<string, (rig: Rig) => Promise<unknown>> = {
  'another token': async (rig) => {
    const sample = await start(rig);
    return rig.step(rig.slice(0, END, different(sample)));
  },
  'the token, and one more': async (rig) => {
    const { token } = await start(rig);
    return rig.step(rig.slice(0, END, ids(token, 7)));
  },
  'the row of a token': async (rig) => {
    const { token } = await start(rig);
    return rig.step(rig.slice(0, END, rowsOf(ids(token))));
  },
  'a prompt beside the token': async (rig) => {
    const { token } = await start(rig);
    const both = await rig.step(rig.slice(0, END, ids(token)), rig.slice(1, 0, ids(1, 2, 3)));
    return [both, await rig.step(rig.slice(0, END + 1, ids(5)), rig.slice(1, 3, ids(6)))];
  },
  'a prompt of another sequence, then the token': async (rig) => {
    const { token } = await start(rig);
    const prompt = await rig.step(rig.slice(1, 0, ids(1, 2, 3)));
    return [prompt, await rig.step(rig.slice(0, END, ids(token)))];
  },
  'just that, of two answers': async (rig) => {
    const [a, b] = await rig.step(rig.slice(2, 0, PROMPT.subarray(50)), rig.slice(1, 0, ids(4, 5)));
    return rig.step(rig.slice(2, 50, ids(a!.token)), rig.slice(1, 2, ids(b!.token)));
  },
  'one of two answers': async (rig) => {
    const [one] = await rig.step(rig.slice(0, 0, PROMPT.subarray(50)), rig.slice(1, 0, ids(4, 5)));
    return rig.step(rig.slice(0, 50, ids(one!.token)));
  },
  'an earlier position': async (rig) => {
    await start(rig);
    rig.context.removePositions(0, 30);
    return rig.step(rig.slice(0, 30, ids(5, 6)));
  },
  'an end of the sequence, whose place another takes': async (rig) => {
    await start(rig);
    rig.context.removePositions(0, 0);
    return rig.step(rig.slice(0, 0, PROMPT.subarray(20)));
  },
  'a copy that goes on': async (rig) => {
    const sample = await start(rig);
    rig.context.copySequence(0, 1, END);
    rig.context.removePositions(0, 60);
    const copy = await rig.step(rig.slice(1, END, different(sample)));
    return [copy, await rig.step(rig.slice(0, 60, ids(9)))];
  },
  'the token, after a copy': async (rig) => {
    const { token } = await start(rig);
    rig.context.copySequence(0, 1, 10);
    return rig.step(rig.slice(0, END, ids(token)), rig.slice(1, 10, ids(3)));
  },
  'what is saved, then the token': async (rig) => {
    const { token } = await start(rig);
    const bytes = await rig.context.saveSequence(0);
    return [bytes, await rig.step(rig.slice(0, END, ids(token)))];
  },
  'what is loaded': async (rig) => {
    await start(rig);
    const bytes = await rig.context.saveSequence(0);
    await rig.step(rig.slice(1, 0, ids(1)));
    await rig.context.loadSequence(2, bytes, END);
    return rig.step(rig.slice(2, END, ids(8)));
  },
  'a refusal, then the token': async (rig) => {
    const { token } = await start(rig);
    const refuse = async () => rig.step(rig.slice(0, END + 1, ids(token)));
    const copy = async () => rig.context.copySequence(0, 1, END + 1);
    const refusals = [await failure(refuse()), await failure(copy())];
    return [refusals, await rig.step(rig.slice(0, END, ids(token)))];
  },
  'the last cell, for another sequence': async (rig) => {
    await rig.context.step([{ ...rig.slice(0, 0, new Int32Array(128)), sampler: null }]);
    await rig.step(rig.slice(0, 128, new Int32Array(127)));
    const last = await rig.step(rig.slice(1, 0, ids(3)));
    return [last, await failure(rig.step(rig.slice(2, 0, ids(3))))];
  },
  'a cell more than there are': async (rig) => {
    await rig.context.step([{ ...rig.slice(0, 0, new Int32Array(128)), sampler: null }]);
    const [sample] = await rig.step(rig.slice(0, 128, new Int32Array(128)));
    const full = await failure(rig.step(rig.slice(0, 256, ids(sample!.token))));
    rig.context.removePositions(0, 200);
    return [full, await rig.step(rig.slice(0, 200, ids(1)))];
  },
  'a token that the sampler cannot choose after': async (rig) => {
    const { token } = await start(rig);
    const bias = Int32Array.from({ length: TINY.nVocabUsed }, (_, id) => id);
    const none = decoder.sampler({
      biasTokens: bias,
      biasValues: new Float32Array(bias.length).fill(Number.NEGATIVE_INFINITY),
    });
    const slice = rig.slice(0, END, ids(token));
    const refused = await failure(rig.step({ ...slice, sampler: none }));
    return [refused, await rig.step(slice)];
  },
};

describe.each<[string, Mode]>([
  ['computed ahead', { goesOn: true, waits: true }],
  ['about to be computed ahead', { goesOn: true }],
  ['computed ahead on a pool of its own', { goesOn: true, isOwn: true }],
])('instead of a step that is %s', (_, mode) => {
  it.each(Object.keys(SCENARIOS))('comes %s', async (name) => {
    const scenario = SCENARIOS[name]!;
    const alone = await run({ goesOn: false }, scenario);
    expect((await run(mode, scenario)).value).toEqual(alone.value);
  });
});

describe('a step that is computed ahead', () => {
  /** The tokens of 20 steps, drawn. */
  const answer = async ({ context, step, slice }: Rig) => {
    const sampler = decoder.sampler({ nTop: TINY.nVocab, temperature: 1, seed: 3 });
    const samples = await step({ ...slice(0, 0, PROMPT), sampler });
    for (let i = 0; i < 20; i++) {
      const data = ids(samples.at(-1)!.token);
      samples.push(...(await step({ ...slice(0, END + i, data), sampler })));
    }
    expect(() => context.step([slice(0, END, ids(1))])).toThrow(/position/);
    return samples;
  };

  it('is taken by the step that asks for it', async () => {
    const alone = await run({ goesOn: false }, answer);
    const ahead = await run({ goesOn: true, waits: true }, answer);
    expect(ahead.value).toEqual(alone.value);
    expect([alone.nAhead, ahead.nAhead]).toEqual([0, 20]);
    expect((await run({ goesOn: true }, answer)).value).toEqual(alone.value);
    expect((await run({ goesOn: true, isOwn: true }, answer)).value).toEqual(alone.value);
  });

  it('is not one behind the end of an answer', async () => {
    const [endOfText] = [decoder.model.specialToken('<|im_end|>')];
    const { nAhead } = await run({ goesOn: true, waits: true }, async ({ step, slice }) => {
      const bias = { biasTokens: ids(endOfText!), biasValues: Float32Array.of(1000) };
      await step({ ...slice(0, 0, PROMPT), sampler: decoder.sampler(bias) });
      await step(slice(0, END, ids(endOfText!)));
    });
    expect(nAhead).toBe(0);
  });

  it("does not take another model's turn", async () => {
    const room = { nCtx: 2048, nBatch: 2048, nUbatch: 512 };
    const long = await openDecoder(join(folder.path, 'tiny.gguf'), room);
    const { nAhead } = await run({ goesOn: true }, async ({ step, slice }) => {
      const data = new Int32Array(2000);
      const work = long.context.step([{ sequence: 0, position: 0, data, sampler: null }]);
      // Both are in line before the first of them begins.
      const [[sample]] = await Promise.all([step(slice(0, 0, PROMPT)), stepOfAnother(), work]);
      await step(slice(0, END, ids(sample!.token)));
    });
    expect(nAhead).toBe(0);
    await long.dispose();
  });

  it('says nothing where it fails and nobody asks for it', async () => {
    const lines: string[] = [];
    native().setLog('warn', (_, text) => lines.push(text));
    try {
      await run({ goesOn: true, waits: true }, async ({ context, step, slice }) => {
        await context.step([{ ...slice(0, 0, new Int32Array(128)), sampler: null }]);
        await step(slice(0, 128, new Int32Array(128)));
        context.removePositions(0, 0);
        await step(slice(0, 0, ids(1)));
      });
      await new Promise(setImmediate);
    } finally {
      native().setLog('warn', null);
    }
    expect(lines).toEqual([]);
  });

  it('leaves nothing that is not finite where it is given up midway', async () => {
    const BAD = 5;
    const sizes = { nLayer: 64 }; // for time to give it up
    const file = await writeTinyDecoder(join(folder.path, 'bad.gguf'), {
      untied: true,
      fill: badEmbedding(BAD),
      sizes,
    });
    const bad = await openDecoder(file);
    const bias = { biasTokens: ids(BAD), biasValues: Float32Array.of(1000) };
    const slice = { sequence: 0, position: 0, data: ids(1, 2, 3), sampler: bad.sampler(bias) };
    let broken = 0;
    for (let round = 0; round < 30; round++) {
      await bad.context.step([slice], true);
      const until = performance.now() + (round % 10) / 40;
      while (performance.now() < until);
      bad.context.removePositions(0, 0);
      await bad.context.step([slice]).catch(() => broken++);
      bad.context.removePositions(0, 0);
    }
    await bad.dispose();
    expect(broken).toBe(0);
  });
});
