/**
 * The whole boundary with the native addon, typed on one page; no other file touches the `.node`.
 *
 * What crosses: strings, finite numbers, booleans, handles and typed arrays. Arrays passed in are borrowed
 * until the promise settles (do not mutate them); arrays that come back belong to the caller. Callers
 * validate types, ranges and shapes first: native code only rechecks what would corrupt memory or abort.
 * Native errors are `Error`s with a `code` of errors.ts and flat fields; addon/translate-errors.ts turns them into `LlavaError`s.
 */
import type {
  NativeBuildInfo,
  NativeDevice,
  NativeKernels,
  NativeMapOptions,
  NativeSample,
  NativeSamplerOptions,
} from './binding-data.js';

export type * from './binding-data.js';

/** Every handle: `dispose` is idempotent, waits for work in flight, and makes later calls throw ERR_DISPOSED. */
export interface NativeHandle {
  dispose(): Promise<void>;
}

/** A flag that a long native call polls; once cancelled the call rejects with code ERR_CANCELLED. */
export interface NativeCancel {
  cancel(): void;
}

/** CPU workers of decoders and towers, which never use more than `threads` cores together: the process has one pool for each
 *  number of threads, and whoever computes on one takes turns with all others. */
export interface NativeThreadPool extends NativeHandle {
  readonly threads: number;
}

export interface NativeModel extends NativeHandle {
  readonly nVocab: number;
  readonly nEmbd: number;
  readonly nLayer: number;
  readonly nCtxTrain: number;
  /** Bytes of all tensors. */
  readonly size: number;
  readonly description: string;
  /** Why the system does not keep the weights in memory as `mlock` asks; empty when it does. */
  readonly lockRefusal: string;
  /** Plain text to ids: no BOS, special tokens in the text stay text. Expects NFC. */
  tokenize(text: string): Int32Array;
  /** The same off the JS thread, for texts of any length. */
  tokenizeAsync(text: string): Promise<Int32Array>;
  /** Id of the special token spelled exactly `text`, or -1. */
  specialToken(text: string): number;
  /** UTF-8 bytes of one id, possibly part of a character; empty for special tokens unless `special`. */
  tokenBytes(token: number, special: boolean): Uint8Array;
}

/** Whose kernels compute on a CPU, of all models loaded at one time. Default 'auto': ours where there are some. */
export type NativeKernelChoice = 'auto' | 'ggml';

export interface NativeModelOptions {
  /** For messages. */
  path: string;
  /** What is opened: all parts of a split decoder, in order. Default: `path`, and the parts beside it. */
  files?: string[];
  kernels?: NativeKernelChoice;
  gpuLayers: number;
  mmap: boolean;
  mlock: boolean;
  /** Only the vocabulary: enough to tokenize, not to decode. */
  vocabOnly: boolean;
  /** LoRA files that src/gguf/lora-file.ts has accepted for this decoder: others may abort the process. */
  adapters?: string[];
  /** What is opened of each. Default: `adapters`. */
  adapterFiles?: string[];
  /** GPUs by name, in order; none, the default, means the CPU alone. */
  devices?: string[];
  /** Each device's share of the layers, in any unit. Default: by free memory. */
  tensorSplit?: Float32Array;
}

export interface NativeSampler extends NativeHandle {
  /** Counts a token as generated (for the penalties) without sampling it. */
  accept(token: number): void;
}

/** A grammar in GBNF that src/grammar/gbnf-check.ts has accepted. */
export interface NativeGrammar extends NativeHandle {
  /** Whether the grammar admits exactly this text, which is well formed. @throws ERR_DECODE where it can be read in too many ways. */
  matches(text: string): Promise<boolean>;
}

export type NativeKvType = 'f32' | 'f16' | 'q8_0';

export interface NativeContextOptions {
  nCtx: number;
  nBatch: number;
  nUbatch: number;
  nSeqMax: number;
  /** Samples per step, guesses included, each with a row of logits. Default: nSeqMax, and no fewer. */
  nOutputs?: number;
  kvTypeK: NativeKvType;
  kvTypeV: NativeKvType;
  /** 'auto' is off with an f32 cache, which llama.cpp would cast to f16 at every step. */
  flashAttention: 'auto' | 'on' | 'off';
  /** One for each adapter of the model; 0 is without it. */
  adapterScales?: Float32Array;
}

/** Consecutive positions of one sequence: token ids, or visual rows [n, nEmbd]. One slice per sequence and step. */
export interface NativeSlice {
  sequence: number;
  position: number;
  data: Int32Array | Float32Array;
  /** When given, the logits after the last position are sampled with it. */
  sampler: NativeSampler | null;
  /** How many of the ids, the last ones, guess what the sampler will choose after the one before. Each that is right brings a
   *  sample more; from the first that is wrong on they leave no trace. Default 0. */
  drafted?: number;
}

export interface NativeContext extends NativeHandle {
  readonly nCtx: number;
  readonly nBatch: number;
  readonly nSeqMax: number;
  readonly nOutputs: number;
  /** Steps whose result had been computed before they were asked for. */
  readonly nAhead: number;
  /** Decodes all slices and samples, in one hop. One entry per slice: its sample, or null.
   *  @param goesOn that the next step will most likely be of the sampled tokens alone, each behind its slice: it is computed while
   *  JavaScript hears of them. Nothing but time depends on it; whatever else comes next finds the context without it.
   *  @throws ERR_CONTEXT_FULL when no KV cells are left (nothing was decoded), ERR_DECODE otherwise. */
  step(slices: NativeSlice[], goesOn?: boolean): Promise<(NativeSample | null)[]>;
  /** A step that waits for its turn behind other models is given up: it rejects with ERR_CANCELLED and nothing was decoded.
   *  One that has begun goes on. */
  withdraw(): void;
  /** Forgets the positions of a sequence from `from` on. */
  removePositions(sequence: number, from: number): void;
  /** Makes `target` share positions [0, to) of `source`; `target` must be empty. */
  copySequence(source: number, target: number, to: number): void;
  /** The cached positions of a sequence, for loadSequence of a context with the same model and cache types. */
  saveSequence(sequence: number): Promise<Uint8Array>;
  /** Fills an empty sequence with a saved state of positions 0 to `positions` - 1.
   *  @throws ERR_INVALID_ARGUMENT for anything else, or when it does not fit; the sequence is then empty. */
  loadSequence(sequence: number, state: Uint8Array, positions: number): Promise<void>;
}

/** What the tower's file says, already validated by src/vision/vision-config.ts. */
export interface NativeVisionOptions {
  /** For messages. */
  path: string;
  /** What is opened. Default: `path`. */
  file?: string;
  kernels?: NativeKernelChoice;
  imageSize: number;
  patchSize: number;
  nEmbd: number;
  nFfn: number;
  nHead: number;
  /** Blocks to run (blocks stored beyond it are not read). */
  nLayer: number;
  /** Width of a visual row, the decoder's nEmbd. */
  nProjection: number;
  layerNormEpsilon: number;
  /** [3] each, for pixels scaled to 0-1. */
  imageMean: Float32Array;
  imageStd: Float32Array;
  useGpu: boolean;
  /** GPUs by name, of which the first computes; without one the CPU does. */
  devices?: string[];
}

export interface NativeVisionEncoder extends NativeHandle {
  /** Rows per tile, (imageSize / patchSize)² rounded down per side. */
  readonly nPatches: number;
  /** Tiles that one call encodes fastest: 1 on a CPU, more on a GPU. */
  readonly tilesPerCall: number;
  readonly backend: string;
  /** Bytes of weights and of the compute buffer. */
  readonly size: number;
  /** The learned newline vector [nProjection], or null. */
  readonly newline: Float32Array | null;
  /** Encodes RGB tiles [n, imageSize, imageSize, 3] into `out` [n, nPatches, nProjection] (same n, patches row-major). */
  encode(tiles: Uint8Array, out: Float32Array, cancel: NativeCancel | null): Promise<void>;
}

export interface NativeGgufWriter extends NativeHandle {
  setValue(
    key: string,
    type: 'u16' | 'u32' | 'i32' | 'u64' | 'f32' | 'bool' | 'string',
    value: number | boolean | string,
  ): void;
  setArray(
    key: string,
    type: 'i32' | 'u32' | 'f32',
    values: Int32Array | Uint32Array | Float32Array,
  ): void;
  /** An array of strings, in UTF-8 with a NUL behind each. */
  setStrings(key: string, texts: Uint8Array): Promise<void>;
  /** Takes over the metadata of a GGUF file that src/gguf/reader.ts has accepted, before any setValue. */
  copyMetadata(path: string, except: string[]): Promise<void>;
  /** Declares a tensor; shape in GGUF order (fastest dimension first). All are declared before the first write. */
  addTensor(name: string, type: string, shape: number[]): void;
  /** Writes the header, but not in pieces. */
  begin(): Promise<void>;
  /** In pieces: the tensor, by its place among the declared ones, that the next rows are of; between whole tensors. */
  seek(tensor: number): void;
  /** Appends whole rows of the current tensor (tensors in declared order), converting from `sourceType`.
   *  `importance` weighs the columns of a row. Writing goes on behind it: a failure may show in the next call.
   *  Resolves to the count of values that are NaN or infinite, or would be in the tensor's type. */
  write(sourceType: string, rows: Uint8Array, importance?: Float32Array | null): Promise<number>;
  /** Checks that every tensor is complete, or in pieces the last one, syncs and closes. dispose() before it deletes the file,
   *  but not one in pieces. */
  finish(): Promise<void>;
}

export interface NativeBinding {
  Cancel: new () => NativeCancel;
  /** @param isOwn of one model alone, without turns: for a model on GPUs, which waits more than it computes here */
  ThreadPool: new (
    threads: number,
    isOwn?: boolean,
  ) => NativeThreadPool;
  /** @throws ERR_INVALID_ARGUMENT */
  Grammar: new (
    gbnf: string,
  ) => NativeGrammar;
  Sampler: new (model: NativeModel, options: NativeSamplerOptions) => NativeSampler;
  /** @param threads that convert rows; 1 by default. @param mode 'write' by default. 'check' reads an existing file instead, and
   *  rejects with ERR_WRITE where it is not what would be written; 'pieces' writes some tensors into one, 'header' the header. */
  GgufWriter: new (
    path: string,
    threads?: number,
    mode?: 'write' | 'check' | 'pieces' | 'header',
  ) => NativeGgufWriter;
  /** `onProgress` gets 0-1 on the JS thread and must not throw. @throws ERR_MODEL_LOAD, ERR_CANCELLED */
  loadModel(
    options: NativeModelOptions,
    cancel: NativeCancel | null,
    onProgress: ((fraction: number) => void) | null,
  ): Promise<NativeModel>;
  createContext(
    model: NativeModel,
    pool: NativeThreadPool,
    options: NativeContextOptions,
  ): Promise<NativeContext>;
  loadVisionEncoder(
    options: NativeVisionOptions,
    pool: NativeThreadPool,
    cancel: NativeCancel | null,
  ): Promise<NativeVisionEncoder>;
  /** Pillow's bicubic resize, bit for bit. RGB [height, width, 3] to [outHeight, outWidth, 3]. @throws ERR_CANCELLED */
  resizeBicubic(
    rgb: Uint8Array,
    width: number,
    height: number,
    outWidth: number,
    outHeight: number,
    cancel?: NativeCancel | null,
  ): Promise<Uint8Array>;
  /** The same of the picture in the middle of a square of its longer side, whose other channels are all `fill`: to
   *  [side, side, 3]. The square itself is not built. */
  resizeSquared(
    rgb: Uint8Array,
    width: number,
    height: number,
    side: number,
    fill: number,
    cancel?: NativeCancel | null,
  ): Promise<Uint8Array>;
  /** Tile features [rows * cols, side², nEmbd] to one map: interleave, crop, shrink bilinearly when out differs
   *  from crop. Returns [outRows * outCols, nEmbd]. */
  assembleMap(features: Float32Array, options: NativeMapOptions): Promise<Float32Array>;
  /** Frame features [frames, side², nEmbd] shrunk bilinearly to [frames, outSide², nEmbd]. */
  poolFrames(
    features: Float32Array,
    frames: number,
    side: number,
    outSide: number,
    nEmbd: number,
  ): Promise<Float32Array>;
  /** llama.cpp's log: lines of `level` ('error' | 'warn' | 'info' | 'debug') and above go to `callback`; null silences it. */
  setLog(level: string, callback: ((level: string, text: string) => void) | null): void;
  /** Of this machine. */
  devices(): NativeDevice[];
  /** Of the servers at these endpoints, each of which src/addon/rpc-servers.ts has seen answer: ggml ends the process otherwise. */
  rpcDevices(endpoints: string[]): Promise<NativeDevice[]>;
  /** Whether a model of this process is on the server, and how many devices it had when it was met, 0 if it was not. */
  rpcServerState(endpoint: string): { isInUse: boolean; devices: number };
  /** What servers must speak: this major version, this minor version or an earlier one. */
  readonly rpcProtocol: { major: number; minor: number };
  /** `tilesPerCall` of a tower on a GPU. */
  readonly gpuTilesPerCall: number;
  buildInfo(): NativeBuildInfo;
  /** Physical cores of this machine that the process may use. */
  physicalCores(): number;
  kernels(): NativeKernels;
}
