/** The tensors of a Qwen2 decoder in a GGUF file. @see src/models/qwen2.cpp `load_arch_tensors` (llama.cpp v0.5.0) */

export interface DecoderSizes {
  nLayer: number;
  nEmbd: number;
  nHead: number;
  nHeadKv: number;
  nFfn: number;
  nVocab: number;
}

export interface TensorSpec {
  name: string;
  /** GGUF order. */
  shape: number[];
  /** llama.cpp runs without it. */
  optional?: true;
}

export function decoderTensors(sizes: DecoderSizes): TensorSpec[] {
  const { nEmbd, nVocab } = sizes;
  return [
    { name: 'token_embd.weight', shape: [nEmbd, nVocab] },
    { name: 'output_norm.weight', shape: [nEmbd] },
    { name: 'output.weight', shape: [nEmbd, nVocab], optional: true },
    ...Array.from({ length: sizes.nLayer }, (_, layer) => blockTensors(sizes, layer)).flat(),
  ];
}

function blockTensors(sizes: DecoderSizes, layer: number): TensorSpec[] {
  const { nEmbd, nFfn } = sizes;
  const nKv = (nEmbd / sizes.nHead) * sizes.nHeadKv;
  const shapes: [name: string, shape: number[]][] = [
    ['attn_norm.weight', [nEmbd]],
    ['attn_q.weight', [nEmbd, nEmbd]],
    ['attn_q.bias', [nEmbd]],
    ['attn_k.weight', [nEmbd, nKv]],
    ['attn_k.bias', [nKv]],
    ['attn_v.weight', [nEmbd, nKv]],
    ['attn_v.bias', [nKv]],
    ['attn_output.weight', [nEmbd, nEmbd]],
    ['ffn_norm.weight', [nEmbd]],
    ['ffn_gate.weight', [nEmbd, nFfn]],
    ['ffn_up.weight', [nEmbd, nFfn]],
    ['ffn_down.weight', [nFfn, nEmbd]],
  ];
  return shapes.map(([name, shape]) => ({ name: `blk.${layer}.${name}`, shape }));
}
