/**
 * The toy model over bytes and its context. Strict where the addon is (positions, one slice per sequence, cells, busy handles), so
 * that a test fails where the addon would.
 */
import type {
  NativeContext,
  NativeContextOptions,
  NativeModel,
  NativeSample,
  NativeSampler,
  NativeSlice,
} from '../../src/binding.js';
import { nativeError } from './native-error.js';

/** Ids 0-255 are bytes. */
export const FAKE_TOKENS = {
  start: 256,
  end: 257,
  endOfText: 258,
  /** Padding rows follow. */
  nVocabUsed: 259,
  nVocab: 264,
};

const SPECIALS = ['<|im_start|>', '<|im_end|>', '<|endoftext|>'];

/** Stands for a visual row in the text that `reply` sees. */
export const VISUAL_ROW = '▮';

export interface FakeDecoderOptions {
  /** What the model answers to a prompt (special tokens spelled out), in bytes; the end token follows. */
  reply?: (prompt: string) => string | number[];
  /** Runs inside every step, before anything is decoded; may wait or throw what the addon would. */
  onStep?: (slices: NativeSlice[], goesOn?: boolean) => void | Promise<void>;
  /** Runs when a step is to be given up that may still wait for its turn. */
  onWithdraw?: () => void;
  /** Runs inside every copy of a sequence out of the cache or into it. */
  onCopy?: (what: 'save' | 'load') => void | Promise<void>;
}

export interface FakeSlice {
  sequence: number;
  position: number;
  kind: 'tokens' | 'rows';
  n: number;
  isSampled: boolean;
  /** How many of the ids are guesses; absent without any. */
  drafted?: number;
}

export function fakeModel(): Omit<NativeModel, 'dispose'> {
  const special = (id: number) => SPECIALS[id - FAKE_TOKENS.start];
  return {
    nVocab: FAKE_TOKENS.nVocab,
    nEmbd: 4,
    nLayer: 2,
    nCtxTrain: 4096,
    size: 1000,
    description: 'toy',
    lockRefusal: '',
    tokenize: (text) => Int32Array.from(Buffer.from(text)),
    tokenizeAsync: async (text) => Int32Array.from(Buffer.from(text)),
    specialToken: (text) =>
      SPECIALS.includes(text) ? FAKE_TOKENS.start + SPECIALS.indexOf(text) : -1,
    tokenBytes: (token, isSpecial) =>
      token < 256 ? Uint8Array.of(token) : Buffer.from((isSpecial && special(token)) || ''),
  };
}

/** What is at a position: a token id, or -1 and the first value of a visual row. */
export interface Cell {
  token: number;
  value: number;
  /** Of the count that saw it last. */
  mark: number;
}

interface Shared {
  binding: { steps: FakeSlice[][] };
  /** Cells per sequence; sequences may share them. */
  histories: Cell[][];
  options: FakeDecoderOptions;
}

export function fakeContext(
  { nCtx, nBatch, nSeqMax, nOutputs = nSeqMax }: NativeContextOptions,
  { binding, histories, options }: Shared,
): Omit<NativeContext, 'dispose'> {
  for (let i = 0; i < nSeqMax; i++) histories.push([]);
  let isBusy = false;
  const copying = async (what: 'save' | 'load') => {
    if (isBusy) throw nativeError('ERR_INVALID_ARGUMENT', { argument: 'busy' });
    isBusy = true;
    try {
      await new Promise(setImmediate);
      await options.onCopy?.(what);
    } finally {
      isBusy = false;
    }
  };
  return {
    nCtx,
    nBatch,
    nSeqMax,
    nOutputs,
    nAhead: 0,
    async step(slices, goesOn) {
      if (isBusy) throw nativeError('ERR_INVALID_ARGUMENT', { argument: 'busy' });
      isBusy = true;
      try {
        checkSlices(slices, { nBatch, nOutputs }, histories);
        binding.steps.push(slices.map(describe));
        await new Promise(setImmediate);
        await options.onStep?.(slices, goesOn);
        const nNeeded = slices.reduce((sum, slice) => sum + rows(slice), 0);
        const nPast = countCells(histories);
        if (nPast + nNeeded > nCtx) throw nativeError('ERR_CONTEXT_FULL', { nPast, nNeeded, nCtx });
        return slices.map((slice) => decode(slice, histories[slice.sequence]!, options));
      } finally {
        isBusy = false;
      }
    },
    withdraw() {
      options.onWithdraw?.();
    },
    removePositions(sequence, from) {
      if (isBusy) throw nativeError('ERR_INVALID_ARGUMENT', { argument: 'busy' });
      histories[sequence]!.splice(from);
    },
    copySequence(source, target, to) {
      if (isBusy) throw nativeError('ERR_INVALID_ARGUMENT', { argument: 'busy' });
      if (histories[target]!.length > 0 || to > histories[source]!.length || source === target)
        throw nativeError('ERR_INVALID_ARGUMENT', { argument: 'target' });
      histories[target]!.push(...histories[source]!.slice(0, to));
    },
    async saveSequence(sequence) {
      await copying('save');
      return Buffer.from(JSON.stringify(histories[sequence]));
    },
    async loadSequence(sequence, state, positions) {
      await copying('load');
      const cells = JSON.parse(Buffer.from(state).toString()) as Cell[];
      if (cells.length !== positions || histories[sequence]!.length > 0)
        throw nativeError('ERR_INVALID_ARGUMENT', { argument: 'state' });
      if (countCells(histories) + positions > nCtx)
        throw nativeError('ERR_INVALID_ARGUMENT', { argument: 'state' });
      histories[sequence]!.push(...cells);
    },
  };
}

let nCounts = 0;

/** Each cell once, however many sequences share it. */
export function countCells(histories: Cell[][]): number {
  const mark = ++nCounts;
  let n = 0;
  for (const history of histories) {
    for (const cell of history) {
      if (cell.mark === mark) continue;
      cell.mark = mark;
      n++;
    }
  }
  return n;
}

/** Guesses that are wrong, and what follows them, leave nothing. */
function decode(
  slice: NativeSlice,
  history: Cell[],
  options: FakeDecoderOptions,
): NativeSample | null {
  const { sampler, drafted = 0 } = slice;
  const nSure = rows(slice) - drafted;
  for (let i = 0; i < nSure; i++) history.push(cellAt(slice, i));
  if (!sampler) return null;
  const samples = [sample(history, sampler, options)];
  for (let i = nSure; i < rows(slice); i++) {
    const cell = cellAt(slice, i);
    if (cell.token !== samples.at(-1)!.token) break;
    history.push(cell);
    samples.push(sample(history, sampler, options));
  }
  const [first, ...further] = samples;
  return further.length > 0 ? { ...first!, further } : first!;
}

function checkSlices(
  slices: NativeSlice[],
  { nBatch, nOutputs }: { nBatch: number; nOutputs: number },
  histories: Cell[][],
): void {
  const total = slices.reduce((sum, slice) => sum + rows(slice), 0);
  const outputs = slices.reduce(
    (sum, { sampler, drafted = 0 }) => sum + (sampler ? 1 + drafted : 0),
    0,
  );
  const isOk =
    total >= 1 &&
    total <= nBatch &&
    outputs <= nOutputs &&
    slices.every((slice) => (slice.drafted ?? 0) < rows(slice)) &&
    new Set(slices.map(({ sequence }) => sequence)).size === slices.length &&
    slices.every((slice) => rows(slice) >= 1 && Number.isInteger(rows(slice))) &&
    slices.every(({ sequence, position }) => histories[sequence]?.length === position);
  if (!isOk) throw new Error(`Broken step: ${JSON.stringify(slices.map(describe))}`);
}

function rows({ data }: NativeSlice): number {
  return data instanceof Int32Array ? data.length : data.length / 4;
}

function cellAt({ data }: NativeSlice, i: number): Cell {
  return data instanceof Int32Array
    ? { token: data[i]!, value: 0, mark: 0 }
    : { token: -1, value: data[i * 4]!, mark: 0 };
}

function describe(slice: NativeSlice): FakeSlice {
  const { sequence, position, data, sampler, drafted } = slice;
  const kind = data instanceof Int32Array ? 'tokens' : 'rows';
  const described = { sequence, position, kind, n: rows(slice), isSampled: sampler !== null };
  return (drafted === undefined ? described : { ...described, drafted }) as FakeSlice;
}

function sample(
  cells: Cell[],
  sampler: NativeSampler,
  { reply = () => 'ok' }: FakeDecoderOptions,
): NativeSample {
  // The answer begins after the last start token and "assistant\n".
  let start = cells.length - 1;
  while (cells[start]!.token !== FAKE_TOKENS.start) start--;
  const begin = start + 1 + 'assistant\n'.length;
  const answer = reply(spell(cells.slice(0, begin)));
  const bytes = typeof answer === 'string' ? Buffer.from(answer) : answer;
  const token = bytes[cells.length - begin] ?? FAKE_TOKENS.end;
  const { nTop } = sampler as unknown as { nTop: number };
  const topTokens = Int32Array.from({ length: nTop }, (_, i) => (i === 0 ? token : i));
  const topLogprobs = Float32Array.from({ length: nTop }, (_, i) => -0.5 - i);
  return { token, logprob: -0.5, normaliser: 0, topTokens, topLogprobs };
}

function spell(cells: Cell[]): string {
  const bytes: number[] = [];
  for (const { token } of cells) {
    if (token >= 0 && token < 256) bytes.push(token);
    else bytes.push(...Buffer.from(token < 0 ? VISUAL_ROW : SPECIALS[token - FAKE_TOKENS.start]!));
  }
  return Buffer.from(bytes).toString();
}
