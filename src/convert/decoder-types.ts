/**
 * Which type each tensor of a decoder gets, as llama-quantize would choose: the parts that quality hangs on (head,
 * attention values, the FFN's way down, first and last blocks) get more bits. Only what concerns a dense `qwen2`.
 * @see src/llama-quant.cpp `llama_tensor_get_type_impl`, `tensor_type_fallback`, `tensor_requires_imatrix` (llama.cpp v0.5.0)
 */
import { ggmlTypeByName } from '../gguf/ggml-types.js';
import { baseType, type Outtype } from './outtypes.js';

export interface DecoderShape {
  nLayer: number;
  nHead: number;
  nHeadKv: number;
  isTied: boolean;
}

export interface TypeChoice extends DecoderShape {
  outtype: Outtype;
  /** Whether there is an imatrix. */
  hasImportance: boolean;
}

interface Block {
  /** Number of the block. */
  i: number;
  n: number;
  /** Four or more query heads to each key-value head. */
  isGrouped: boolean;
  hasImportance: boolean;
}

type Rule = (block: Block) => string | false;
type Matrix = 'attn_q' | 'attn_k' | 'attn_v' | 'attn_output' | 'ffn_gate' | 'ffn_up' | 'ffn_down';
type Rules = Partial<Record<Matrix, Rule>>;

/** ggml's name of the type of one tensor. @param shape GGUF order */
export function decoderType(name: string, shape: number[], choice: TypeChoice): string {
  if (shape.length === 1) return 'f32';
  const base = baseType(choice.outtype);
  const isQuantised = ggmlTypeByName(base)!.blockSize > 1;
  return isQuantised ? fallback(mixed(name, shape, choice), shape[0]!) : base;
}

/** Whether a tensor must not become `type` without importances: the result would be garbage. */
export function requiresImportance(name: string, type: string, outtype: Outtype): boolean {
  if (name === 'token_embd.weight' || name === 'output.weight') return false;
  return (
    ['iq3_xxs', 'iq2_xxs', 'iq2_xs', 'iq2_s', 'iq1_m', 'iq1_s'].includes(type) ||
    (type === 'q2_K' && outtype === 'q2_k_s')
  );
}

/** Whether some matrix of every decoder would be such a one, as far as its rows divide into the type's blocks. */
export function needsImatrix(outtype: Outtype): boolean {
  return outtype === 'iq3_xs' || requiresImportance('', baseType(outtype), outtype);
}

function mixed(name: string, shape: number[], choice: TypeChoice): string {
  const { outtype, isTied } = choice;
  const base = baseType(outtype);
  if (name === 'output.weight' || (isTied && name === 'token_embd.weight'))
    return headType(outtype, shape[0]!);
  if (name === 'token_embd.weight') return embeddingTypes[outtype] ?? base;
  const [, layer, matrix] = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name) ?? [];
  const block: Block = {
    i: Number(layer),
    n: choice.nLayer,
    isGrouped: choice.nHead / choice.nHeadKv >= 4,
    hasImportance: choice.hasImportance,
  };
  const type = rules[outtype]?.[matrix as Matrix]?.(block) || base;
  // Grouped so much that the matrix is small, models of 80 blocks can afford more bits here.
  const isSmall = matrix === 'attn_v' && choice.nLayer === 80 && !lowBits.includes(outtype);
  return isSmall && (type === 'q3_K' || type === 'q4_K') ? 'q5_K' : type;
}

const lowBits: Outtype[] = ['iq2_xxs', 'iq2_xs', 'iq2_s', 'iq2_m', 'iq1_s', 'iq1_m'];

function headType(outtype: Outtype, rowLength: number): string {
  const base = baseType(outtype);
  if (base === 'q8_0' || rowLength % ggmlTypeByName(base)!.blockSize !== 0) return 'q8_0';
  return outtype === 'iq3_xxs' || lowBits.includes(outtype) ? 'q5_K' : 'q6_K';
}

const embeddingTypes: Partial<Record<Outtype, string>> = {
  iq1_s: 'q2_K',
  iq1_m: 'q2_K',
  iq2_xxs: 'q2_K',
  iq2_xs: 'q2_K',
  iq2_s: 'iq3_s',
  iq2_m: 'iq3_s',
  iq3_xxs: 'iq3_s',
  tq1_0: 'q4_K',
  tq2_0: 'q4_K',
  q2_0: 'q4_K',
};

const always =
  (type: string): Rule =>
  () =>
    type;
const grouped =
  (type: string): Rule =>
  ({ isGrouped }) =>
    isGrouped && type;
const isFirstEighth = ({ i, n }: Block) => i < Math.floor(n / 8);
const firstEighth =
  (type: string): Rule =>
  (block) =>
    isFirstEighth(block) && type;
/** The first and last eighth, and every third block between. */
const moreBits =
  (type: string): Rule =>
  ({ i, n }) => {
    const eighth = Math.floor(n / 8);
    return (i < eighth || i >= Math.floor((7 * n) / 8) || (i - eighth) % 3 === 2) && type;
  };
const middle =
  (type: string): Rule =>
  ({ i, n }) =>
    i >= Math.floor(n / 8) && i < Math.floor((7 * n) / 8) && type;

const twoBits = (better: string, output?: string): Rules => ({
  attn_v: ({ isGrouped }) => (isGrouped ? 'q4_K' : better),
  ffn_down: firstEighth(better),
  ...(output === undefined ? {} : { attn_output: always(output) }),
});
const iq4: Rules = {
  attn_v: grouped('q5_K'),
  ffn_down: (block) => !block.hasImportance && isFirstEighth(block) && 'q5_K',
};

const rules: Partial<Record<Outtype, Rules>> = {
  q5_k_m: { attn_v: moreBits('q6_K'), ffn_down: moreBits('q6_K') },
  q4_k_m: { attn_v: moreBits('q6_K'), ffn_down: moreBits('q6_K') },
  q4_k_s: { attn_v: ({ i }) => i < 4 && 'q5_K', ffn_down: firstEighth('q5_K') },
  q5_0: { ffn_down: (block) => block.hasImportance && isFirstEighth(block) && 'q5_1' },
  q4_0: { ffn_down: (block) => block.hasImportance && isFirstEighth(block) && 'q4_1' },
  iq4_nl: iq4,
  iq4_xs: iq4,
  q3_k_l: { attn_v: always('q5_K'), ffn_down: always('q5_K'), attn_output: always('q5_K') },
  q3_k_m: {
    attn_v: ({ i }) => (i < 2 ? 'q5_K' : 'q4_K'),
    ffn_down: ({ i, n }) => (i < Math.floor(n / 16) ? 'q5_K' : 'q4_K'),
    attn_output: always('q4_K'),
  },
  iq3_m: { attn_v: always('q4_K'), ffn_down: firstEighth('q4_K'), attn_output: always('q4_K') },
  iq3_s: { attn_v: grouped('q4_K') },
  iq3_xs: {
    attn_v: grouped('q4_K'),
    attn_k: always('iq3_xxs'),
    attn_q: always('iq3_xxs'),
    ffn_gate: middle('iq3_xxs'),
    ffn_up: middle('iq3_xxs'),
  },
  iq3_xxs: {
    attn_v: ({ isGrouped, hasImportance }) =>
      isGrouped ? 'q4_K' : hasImportance ? 'iq3_xxs' : 'iq3_s',
    attn_k: always('iq2_s'),
    attn_q: always('iq2_s'),
    attn_output: always('iq3_s'),
    ffn_down: (block) => !block.hasImportance && (isFirstEighth(block) ? 'q4_K' : 'q3_K'),
  },
  q2_k: {
    attn_v: ({ isGrouped }) => (isGrouped ? 'q4_K' : 'q3_K'),
    ffn_down: always('q3_K'),
    attn_output: always('q3_K'),
  },
  q2_k_s: { attn_v: grouped('q4_K'), ffn_down: firstEighth('q4_K') },
  iq2_m: twoBits('iq3_s', 'iq3_s'),
  iq2_s: twoBits('iq3_s', 'iq3_s'),
  iq2_xs: twoBits('q2_K'),
  iq2_xxs: twoBits('q2_K'),
  iq1_m: twoBits('q2_K', 'iq2_xxs'),
  iq1_s: twoBits('q2_K', 'iq2_xxs'),
};

/** For rows that do not divide into blocks of 256: the nearest type in blocks of 32, or f16. */
const smallBlocks: Record<string, string> = {
  q6_K: 'q8_0',
  q5_K: 'q5_1',
  q4_K: 'q5_0',
  q3_K: 'q4_0',
  q2_K: 'q4_0',
  q2_0: 'q4_0',
  q1_0: 'q4_0',
  tq1_0: 'q4_0',
  tq2_0: 'q4_0',
};

function fallback(type: string, rowLength: number): string {
  const divides = (name: string) => rowLength % ggmlTypeByName(name)!.blockSize === 0;
  if (divides(type)) return type;
  const smaller = smallBlocks[type] ?? (type.startsWith('iq') ? 'iq4_nl' : type);
  return divides(smaller) ? smaller : 'f16';
}
