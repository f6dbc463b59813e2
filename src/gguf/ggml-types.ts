/**
 * Storage formats of tensors, by GGUF type number: names as `ggml_type_name` gives them, values per block, bytes
 * per block. @see ggml/include/ggml.h `enum ggml_type`, ggml/src/ggml-common.h (llama.cpp v0.5.0)
 */
export interface GgmlType {
  name: string;
  blockSize: number;
  blockBytes: number;
  /** Whether matrices of this type can be multiplied; the others are storage for activations and indices. */
  isWeight: boolean;
}

const rows: [id: number, name: string, blockSize: number, blockBytes: number, isWeight?: false][] =
  [
    [0, 'f32', 1, 4],
    [1, 'f16', 1, 2],
    [2, 'q4_0', 32, 18],
    [3, 'q4_1', 32, 20],
    [6, 'q5_0', 32, 22],
    [7, 'q5_1', 32, 24],
    [8, 'q8_0', 32, 34],
    [9, 'q8_1', 32, 36, false],
    [10, 'q2_K', 256, 84],
    [11, 'q3_K', 256, 110],
    [12, 'q4_K', 256, 144],
    [13, 'q5_K', 256, 176],
    [14, 'q6_K', 256, 210],
    [15, 'q8_K', 256, 292, false],
    [16, 'iq2_xxs', 256, 66],
    [17, 'iq2_xs', 256, 74],
    [18, 'iq3_xxs', 256, 98],
    [19, 'iq1_s', 256, 50],
    [20, 'iq4_nl', 32, 18],
    [21, 'iq3_s', 256, 110],
    [22, 'iq2_s', 256, 82],
    [23, 'iq4_xs', 256, 136],
    [24, 'i8', 1, 1, false],
    [25, 'i16', 1, 2, false],
    [26, 'i32', 1, 4, false],
    [27, 'i64', 1, 8, false],
    [28, 'f64', 1, 8, false],
    [29, 'iq1_m', 256, 56],
    [30, 'bf16', 1, 2],
    [34, 'tq1_0', 256, 54],
    [35, 'tq2_0', 256, 66],
    [39, 'mxfp4', 32, 17],
    [40, 'nvfp4', 64, 36],
    [41, 'q1_0', 128, 18],
    [42, 'q2_0', 64, 18],
  ];

/** By the number stored in a GGUF file; numbers of removed formats are absent. */
export const ggmlTypes: ReadonlyMap<number, GgmlType> = new Map(
  rows.map(([id, name, blockSize, blockBytes, isWeight = true]) => [
    id,
    { name, blockSize, blockBytes, isWeight },
  ]),
);

const byName = new Map([...ggmlTypes.values()].map((type) => [type.name, type]));

/** @returns undefined for a name that no ggml type has. */
export function ggmlTypeByName(name: string): GgmlType | undefined {
  return byName.get(name);
}
