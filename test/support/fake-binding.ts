/** A NativeBinding without the addon: a toy model over bytes whose answer is a function of the text before it. */
import type { BackendInfo } from '../../src/addon/backend.js';
import type {
  NativeBinding,
  NativeCancel,
  NativeContextOptions,
  NativeDevice,
  NativeHandle,
  NativeModel,
  NativeModelOptions,
  NativeSampler,
  NativeSamplerOptions,
  NativeVisionEncoder,
  NativeVisionOptions,
} from '../../src/binding.js';
import {
  type Cell,
  countCells,
  type FakeDecoderOptions,
  type FakeSlice,
  fakeContext,
  fakeModel,
} from './fake-decoder.js';
import { nativeError } from './native-error.js';

export interface FakeBindingOptions extends FakeDecoderOptions {
  /** Runs inside every encode, before the cancel flag is looked at. */
  onEncode?: () => void | Promise<void>;
  /** What every visual row consists of. Default 1. */
  encoded?: number;
  /** Runs inside loadModel. */
  onLoad?: (report: (fraction: number) => void) => void | Promise<void>;
  nProjection?: number;
  devices?: NativeDevice[];
  /** Why memory is not locked. */
  lockRefusal?: string;
  /** What our kernels are compiled for. Default: there are none. */
  instructionSet?: string;
  /** Which backend was chosen. Default: 'cpu'. */
  backend?: BackendInfo['name'];
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
      const { lockRefusal = '' } = options;
      return { ...handle('model'), ...fakeModel(), lockRefusal };
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
    kernels: () => ({
      instructionSet: options.instructionSet ?? null,
      types: [],
      counts: { asked: 0, taken: 0 },
    }),
  };
  return binding as unknown as FakeBinding;
}

function fakeEncoder(
  { imageSize, patchSize, nProjection }: NativeVisionOptions,
  binding: { nEncoded: number },
  { onEncode, encoded = 1 }: FakeBindingOptions,
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
      out.fill(encoded);
    },
  };
}
