/**
 * A NativeBinding without the addon: a toy model over bytes whose answer is a function of the text before it. It is strict
 * where the addon is (positions, one slice per sequence, cells, busy handles), so that a test fails where the addon would.
 */
import type { BackendInfo } from '../../src/addon/backend.js';
import type {
  NativeBinding,
  NativeCancel,
  NativeContext,
  NativeContextOptions,
  NativeDevice,
  NativeHandle,
  NativeModel,
  NativeModelOptions,
  NativeSample,
  NativeSampler,
  NativeSamplerOptions,
  NativeSlice,
  NativeVisionEncoder,
  NativeVisionOptions,
} from '../../src/binding.js';
import { LlavaError, type LlavaErrorCode } from '../../src/errors.js';

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

export interface FakeBindingOptions {
  /** What the model answers to a prompt (special tokens spelled out), in bytes; the end token follows. */
  reply?: (prompt: string) => string | number[];
  /** Runs inside every step, before anything is decoded; may wait or throw what the addon would. */
  onStep?: (slices: NativeSlice[]) => void | Promise<void>;
  /** Runs when a step is to be given up that may still wait for its turn. */
  onWithdraw?: () => void;
  /** Runs inside every copy of a sequence out of the cache or into it. */
  onCopy?: (what: 'save' | 'load') => void | Promise<void>;
  /** Runs inside every encode, before the cancel flag is looked at. */
  onEncode?: () => void | Promise<void>;
  /** Runs inside loadModel. */
  onLoad?: (report: (fraction: number) => void) => void | Promise<void>;
  nProjection?: number;
  devices?: NativeDevice[];
  /** Which backend was chosen. Default: 'cpu'. */
  backend?: BackendInfo['name'];
}

export interface FakeSlice {
  sequence: number;
  position: number;
  kind: 'tokens' | 'rows';
  n: number;
  isSampled: boolean;
}

export interface FakeBinding extends NativeBinding {
  steps: FakeSlice[][];
  /** Encode calls so far. */
  nEncoded: number;
  /** Names of handles not disposed, in order of creation. */
  alive: string[];
  /** Names of disposed handles, in order. */
  disposed: string[];
  /** Cells in use. */
  cells(): number;
  modelOptions: NativeModelOptions | undefined;
  contextOptions: NativeContextOptions | undefined;
  samplerOptions: NativeSamplerOptions[];
  log: { level: string; write: ((level: string, text: string) => void) | null } | undefined;
}

/** As `translateErrors` gives it. */
export function nativeError(code: LlavaErrorCode, fields: Record<string, unknown> = {}): Error {
  return new LlavaError(code, `fake ${code}`, fields);
}

export function fakeAddon(
  binding: FakeBinding,
  name: BackendInfo['name'] = 'cpu',
): { binding: FakeBinding; info: BackendInfo } {
  const info = { name, package: null, file: 'fake', variant: null, reason: 'it is a test' };
  return { binding, info };
}

export function fakeBinding(options: FakeBindingOptions = {}): FakeBinding {
  const state = { alive: [] as string[], disposed: [] as string[] };
  const handle = (name: string): NativeHandle => {
    state.alive.push(name);
    let isDisposed = false;
    return {
      async dispose() {
        if (isDisposed) return;
        isDisposed = true;
        state.alive.splice(state.alive.indexOf(name), 1);
        state.disposed.push(name);
      },
    };
  };
  const histories: Cell[][] = [];
  const binding = {
    ...state,
    steps: [] as FakeSlice[][],
    nEncoded: 0,
    modelOptions: undefined as NativeModelOptions | undefined,
    contextOptions: undefined as NativeContextOptions | undefined,
    samplerOptions: [] as NativeSamplerOptions[],
    log: undefined as FakeBinding['log'],
    cells: () => countCells(histories),
    Cancel: class implements NativeCancel {
      isCancelled = false;
      cancel() {
        this.isCancelled = true;
      }
    },
    ThreadPool: class {
      readonly threads: number;
      dispose: () => Promise<void>;
      constructor(threads: number) {
        this.threads = threads;
        this.dispose = handle('pool').dispose;
      }
    },
    Sampler: class implements NativeSampler {
      readonly nTop: number;
      dispose: () => Promise<void>;
      constructor(_: NativeModel, given: NativeSamplerOptions) {
        binding.samplerOptions.push(given);
        this.nTop = given.nTop;
        this.dispose = handle('sampler').dispose;
      }
      accept() {}
    },
    async loadModel(
      given: NativeModelOptions,
      cancel: { isCancelled: boolean } | null,
      report: ((fraction: number) => void) | null,
    ) {
      binding.modelOptions = given;
      for (const fraction of [0, 0.5, 1]) {
        await options.onLoad?.((value) => report?.(value));
        report?.(fraction);
        if (cancel?.isCancelled) throw nativeError('ERR_CANCELLED');
      }
      return { ...handle('model'), ...fakeModel() };
    },
    async createContext(_: unknown, __: unknown, given: NativeContextOptions) {
      binding.contextOptions = given;
      return { ...handle('context'), ...fakeContext(given, { binding, histories, options }) };
    },
    async loadVisionEncoder(given: NativeVisionOptions) {
      return { ...handle('encoder'), ...fakeEncoder(given, binding, options) };
    },
    resizeBicubic: async (_: unknown, __: number, ___: number, width: number, height: number) =>
      new Uint8Array(width * height * 3),
    resizeSquared: async (_: unknown, __: number, ___: number, side: number) =>
      new Uint8Array(side * side * 3),
    assembleMap: async (_: unknown, map: { outRows: number; outCols: number; nEmbd: number }) =>
      new Float32Array(map.outRows * map.outCols * map.nEmbd),
    poolFrames: async (_: unknown, frames: number, __: number, side: number, nEmbd: number) =>
      new Float32Array(frames * side ** 2 * nEmbd),
    setLog(level: string, write: ((level: string, text: string) => void) | null) {
      binding.log = { level, write };
    },
    devices: () => options.devices ?? [],
    gpuTilesPerCall: 4,
    buildInfo: () => ({ llamaVersion: 'v0', ggmlCommit: 'fake' }),
    physicalCores: () => 3,
    kernels: () => ({ instructionSet: null, types: [], counts: { asked: 0, taken: 0 } }),
  };
  return binding as unknown as FakeBinding;
}

function fakeModel(): Omit<NativeModel, 'dispose'> {
  const special = (id: number) => SPECIALS[id - FAKE_TOKENS.start];
  return {
    nVocab: FAKE_TOKENS.nVocab,
    nEmbd: 4,
    nLayer: 2,
    nCtxTrain: 4096,
    size: 1000,
    description: 'toy',
    tokenize: (text) => Int32Array.from(Buffer.from(text)),
    tokenizeAsync: async (text) => Int32Array.from(Buffer.from(text)),
    specialToken: (text) =>
      SPECIALS.includes(text) ? FAKE_TOKENS.start + SPECIALS.indexOf(text) : -1,
    tokenBytes: (token, isSpecial) =>
      token < 256 ? Uint8Array.of(token) : Buffer.from((isSpecial && special(token)) || ''),
  };
}

/** What is at a position: a token id, or -1 and the first value of a visual row. */
interface Cell {
  token: number;
  value: number;
  /** Of the count that saw it last. */
  mark: number;
}

interface Shared {
  binding: FakeBinding | { steps: FakeSlice[][] };
  /** Cells per sequence; sequences may share them. */
  histories: Cell[][];
  options: FakeBindingOptions;
}

function fakeContext(
  { nCtx, nBatch, nSeqMax }: NativeContextOptions,
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
    async step(slices) {
      if (isBusy) throw nativeError('ERR_INVALID_ARGUMENT', { argument: 'busy' });
      isBusy = true;
      try {
        checkSlices(slices, nBatch, histories);
        binding.steps.push(slices.map(describe));
        await new Promise(setImmediate);
        await options.onStep?.(slices);
        const nNeeded = slices.reduce((sum, slice) => sum + rows(slice), 0);
        const nPast = countCells(histories);
        if (nPast + nNeeded > nCtx) throw nativeError('ERR_CONTEXT_FULL', { nPast, nNeeded, nCtx });
        return slices.map((slice) => {
          const history = histories[slice.sequence]!;
          for (let i = 0; i < rows(slice); i++) history.push(cellAt(slice, i));
          return slice.sampler ? sample(history, slice.sampler, options) : null;
        });
      } finally {
        isBusy = false;
      }
    },
    withdraw() {
      options.onWithdraw?.();
    },
    removePositions(sequence, from, to) {
      if (isBusy) throw nativeError('ERR_INVALID_ARGUMENT', { argument: 'busy' });
      const history = histories[sequence]!;
      history.splice(from, to === -1 ? history.length : to - from);
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
function countCells(histories: Cell[][]): number {
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

function checkSlices(slices: NativeSlice[], nBatch: number, histories: Cell[][]): void {
  const total = slices.reduce((sum, slice) => sum + rows(slice), 0);
  const isOk =
    total >= 1 &&
    total <= nBatch &&
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
  const { sequence, position, data, sampler } = slice;
  const kind = data instanceof Int32Array ? 'tokens' : 'rows';
  return { sequence, position, kind, n: rows(slice), isSampled: sampler !== null };
}

function sample(
  cells: Cell[],
  sampler: NativeSampler,
  { reply = () => 'ok' }: FakeBindingOptions,
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

function fakeEncoder(
  { imageSize, patchSize, nProjection }: NativeVisionOptions,
  binding: { nEncoded: number },
  { onEncode }: FakeBindingOptions,
): Omit<NativeVisionEncoder, 'dispose'> {
  return {
    nPatches: Math.floor(imageSize / patchSize) ** 2,
    tilesPerCall: 1,
    backend: 'fake',
    size: 0,
    newline: new Float32Array(nProjection),
    async encode(_, out, cancel) {
      binding.nEncoded++;
      await new Promise(setImmediate);
      await onEncode?.();
      if ((cancel as unknown as { isCancelled: boolean } | null)?.isCancelled)
        throw nativeError('ERR_CANCELLED');
      out.fill(1);
    },
  };
}
