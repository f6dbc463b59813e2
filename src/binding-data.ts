/** What crosses the boundary of binding.ts as plain data. */

/** Ours for this build's instruction set (null: none), and how many of all products and attentions were theirs. */
export interface NativeKernels {
  instructionSet: string | null;
  /** How rows are multiplied by weights of a type, from `leastRows` on, how fewer are, and how one is; null is by ggml. */
  types: {
    type: string;
    many: string | null;
    leastRows: number;
    few: string | null;
    one: string | null;
  }[];
  counts: { taken: number; asked: number };
}

export interface NativeDevice {
  name: string;
  description: string;
  /** 'rpc': of another machine; `description` is its server's endpoint. */
  type: 'cpu' | 'gpu' | 'igpu' | 'accel' | 'rpc';
  backend: string;
  memoryFree: number;
  memoryTotal: number;
  /** 8.6, for instance; CUDA devices only. */
  computeCapability?: number;
  /** Why it cannot be used; absent where it can. */
  problem?: string;
}

export interface NativeBuildInfo {
  llamaVersion: string;
  ggmlVersion: string;
  ggmlCommit: string;
  compiler: string;
  /** Whether threads that wait long for others free their core (our patch of llama.cpp), instead of spinning on it. */
  waitingThreadsSleep: boolean;
  /** Names of the ggml backends compiled in. */
  backends: string[];
  /** llama_print_system_info: the instruction sets in use. */
  systemInfo: string;
  /** What backends logged as errors when they looked for their devices; empty when all went well. */
  startErrors: string;
}

/** Where an unpadded, perhaps shrunk feature map lies in the assembled grid; all in patches. */
export interface NativeMapOptions {
  cols: number;
  rows: number;
  /** Patches per tile side. */
  side: number;
  nEmbd: number;
  cropTop: number;
  cropLeft: number;
  cropRows: number;
  cropCols: number;
  outRows: number;
  outCols: number;
}

/** Flat sampling parameters, all required without a grammar; src/chat/sampling.ts documents them and fills defaults. */
export interface NativeSamplerOptions {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  typicalP: number;
  repetitionPenalty: number;
  presencePenalty: number;
  frequencyPenalty: number;
  seed: number;
  /** How many alternatives each sampled token carries. */
  nTop: number;
  biasTokens: Int32Array;
  biasValues: Float32Array;
  /** Ids from here on are padding rows of the head: never sampled, still counted in log-probabilities. */
  nVocabUsed: number;
  /** GBNF as src/grammar writes or checks it; the two below come with it. */
  grammar?: string;
  /** The grammar begins behind this text of the answer; '' from the start. */
  grammarTrigger?: string;
  /** Ids that end an answer: admitted where the grammar's text may end. */
  endTokens?: Int32Array;
}

/** Log-probabilities are those of the model, over its whole vocabulary, before penalties and temperature. */
export interface NativeSample {
  token: number;
  logprob: number;
  /** What was subtracted from the logits: a logit is its log-probability plus this. */
  normaliser: number;
  /** The nTop most probable ids, best first. */
  topTokens: Int32Array;
  topLogprobs: Float32Array;
  /** Those that came after right guesses of a draft. */
  further?: NativeSample[];
}
