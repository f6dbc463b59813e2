/**
 * The storage types that files can be made in, named as llama-quantize names them. One name stands for a mixture: most
 * matrices have the base type, some a better one (decoder-types.ts).
 * @see src/llama-quant.cpp `llama_ftype_get_default_type`, include/llama.h `enum llama_ftype` (llama.cpp v0.5.0)
 */
const rows = {
  f32: ['f32', 0],
  f16: ['f16', 1],
  bf16: ['bf16', 32],
  q8_0: ['q8_0', 7],
  q6_k: ['q6_K', 18],
  q5_k_m: ['q5_K', 17],
  q5_k_s: ['q5_K', 16],
  q5_1: ['q5_1', 9],
  q5_0: ['q5_0', 8],
  q4_k_m: ['q4_K', 15],
  q4_k_s: ['q4_K', 14],
  q4_1: ['q4_1', 3],
  q4_0: ['q4_0', 2],
  iq4_nl: ['iq4_nl', 25],
  iq4_xs: ['iq4_xs', 30],
  q3_k_l: ['q3_K', 13],
  q3_k_m: ['q3_K', 12],
  q3_k_s: ['q3_K', 11],
  iq3_m: ['iq3_s', 27],
  iq3_s: ['iq3_s', 26],
  iq3_xs: ['iq3_s', 22],
  iq3_xxs: ['iq3_xxs', 23],
  q2_k: ['q2_K', 10],
  q2_k_s: ['q2_K', 21],
  iq2_m: ['iq2_s', 29],
  iq2_s: ['iq2_xs', 28],
  iq2_xs: ['iq2_xs', 20],
  iq2_xxs: ['iq2_xxs', 19],
  iq1_m: ['iq1_m', 31],
  iq1_s: ['iq1_s', 24],
  tq2_0: ['tq2_0', 37],
  tq1_0: ['tq1_0', 36],
  q2_0: ['q2_0', 41],
  q1_0: ['q1_0', 40],
} as const satisfies Record<string, readonly [base: string, fileType: number]>;

/** What the decoder's matrices are stored as. */
export type Outtype = keyof typeof rows;
/** Largest first. */
export const outtypes = Object.keys(rows) as Outtype[];

/** What the vision tower's and projector's matrices are stored as. */
export const mmprojOuttypes = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0'] as const satisfies Outtype[];
export type MmprojOuttype = (typeof mmprojOuttypes)[number];

/** ggml's name of the type that most matrices get. */
export function baseType(outtype: Outtype): string {
  return rows[outtype][0];
}

/** `general.file_type` */
export function fileType(outtype: Outtype): number {
  return rows[outtype][1];
}

/** The type that a file says it has. @param code `general.file_type` */
export function outtypeOf(code: unknown): Outtype | undefined {
  return outtypes.find((outtype) => fileType(outtype) === code);
}

const aliases: Record<string, Outtype> = { q3_k: 'q3_k_m', q4_k: 'q4_k_m', q5_k: 'q5_k_m' };

/** As people write them: any case, q4_k for q4_k_m. @returns undefined for a name that is none. */
export function parseOuttype(text: string): Outtype | undefined {
  const name = text.toLowerCase();
  return aliases[name] ?? outtypes.find((outtype) => outtype === name);
}
