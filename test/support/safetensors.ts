/** Makes safetensors files and small checkpoints for tests. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TestTensor {
  dtype: string;
  shape: number[];
  data: Uint8Array;
}

type Header = Record<string, Record<string, unknown>>;
/** Contents by file name: JSON objects or plain text. */
export type CheckpointFiles = Record<string, string | Record<string, unknown>>;

/** The bytes of a safetensors file. @param edit changes the header before it is written. */
export function safetensorsBytes(
  tensors: Record<string, TestTensor>,
  edit: (header: Header) => unknown = () => {},
): Buffer {
  const header: Header = { __metadata__: { format: 'pt' } };
  const data: Uint8Array[] = [];
  let end = 0;
  for (const [name, { dtype, shape, data: bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    data.push(bytes);
    end += bytes.length;
  }
  edit(header);
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...data]);
}

/** Writes values 1/8, 2/8, … (exact in every float format) as bf16. */
export function bf16Tensor(shape: number[], start = 0): TestTensor {
  const n = shape.reduce((product, size) => product * size, 1);
  const floats = Float32Array.from({ length: n }, (_, i) => ((start + i) % 64) / 8 - 4);
  const words = new Uint16Array(floats.buffer);
  const data = Uint16Array.from({ length: n }, (_, i) => words[2 * i + 1]!);
  return { dtype: 'BF16', shape, data: new Uint8Array(data.buffer) };
}

/** Sizes of `writeCheckpoint`: one decoder block, two tower blocks, tile 28 in patches of 14. */
export const tiny = { nEmbd: 32, nFfn: 64, nVocab: 300, nVision: 72, nVisionFfn: 80 } as const;

/** All tensors of a checkpoint in the lmms-lab layout, with a tied head. */
export function lmmsTensors(): Record<string, TestTensor> {
  const { nEmbd, nFfn, nVocab, nVision, nVisionFfn } = tiny;
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [nVocab, nEmbd],
    'model.norm.weight': [nEmbd],
    'model.image_newline': [nEmbd],
    'model.mm_projector.0.weight': [nEmbd, nVision],
    'model.mm_projector.0.bias': [nEmbd],
    'model.mm_projector.2.weight': [nEmbd, nEmbd],
    'model.mm_projector.2.bias': [nEmbd],
    'model.layers.0.input_layernorm.weight': [nEmbd],
    'model.layers.0.post_attention_layernorm.weight': [nEmbd],
    'model.layers.0.self_attn.o_proj.weight': [nEmbd, nEmbd],
    'model.layers.0.mlp.gate_proj.weight': [nFfn, nEmbd],
    'model.layers.0.mlp.up_proj.weight': [nFfn, nEmbd],
    'model.layers.0.mlp.down_proj.weight': [nEmbd, nFfn],
  };
  for (const part of ['q_proj', 'k_proj', 'v_proj']) {
    shapes[`model.layers.0.self_attn.${part}.weight`] = [nEmbd, nEmbd];
    shapes[`model.layers.0.self_attn.${part}.bias`] = [nEmbd];
  }
  const tower = 'model.vision_tower.vision_tower.vision_model';
  shapes[`${tower}.embeddings.patch_embedding.weight`] = [nVision, 3, 14, 14];
  shapes[`${tower}.embeddings.patch_embedding.bias`] = [nVision];
  shapes[`${tower}.embeddings.position_embedding.weight`] = [4, nVision];
  shapes[`${tower}.post_layernorm.weight`] = [nVision];
  shapes[`${tower}.post_layernorm.bias`] = [nVision];
  for (const layer of [0, 1]) {
    const block = `${tower}.encoder.layers.${layer}`;
    for (const kind of ['weight', 'bias']) {
      const matrix = (nOut: number, nIn: number) => (kind === 'weight' ? [nOut, nIn] : [nOut]);
      for (const norm of ['layer_norm1', 'layer_norm2'])
        shapes[`${block}.${norm}.${kind}`] = [nVision];
      for (const part of ['q_proj', 'k_proj', 'v_proj', 'out_proj'])
        shapes[`${block}.self_attn.${part}.${kind}`] = matrix(nVision, nVision);
      shapes[`${block}.mlp.fc1.${kind}`] = matrix(nVisionFfn, nVision);
      shapes[`${block}.mlp.fc2.${kind}`] = matrix(nVision, nVisionFfn);
    }
  }
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [name, bf16Tensor(shape, i)]),
  );
}

const specials = { '<|endoftext|>': 260, '<|im_start|>': 261, '<|im_end|>': 262 };

/** The JSON files of the checkpoint, by name; tests edit a copy. */
export function lmmsFiles(): CheckpointFiles {
  const vocab = Object.fromEntries(Array.from({ length: 260 }, (_, id) => [`t${id}`, id]));
  return {
    'config.json': {
      architectures: ['LlavaQwenForCausalLM'],
      model_type: 'llava',
      hidden_size: tiny.nEmbd,
      intermediate_size: tiny.nFfn,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      num_key_value_heads: 2,
      rms_norm_eps: 1e-6,
      rope_theta: 1000000,
      max_position_embeddings: 512,
      tie_word_embeddings: true,
      bos_token_id: 260,
      eos_token_id: 262,
      image_aspect_ratio: 'anyres_max_9',
      image_grid_pinpoints: '(1x1),...,(2x2)',
      mm_patch_merge_type: 'spatial_unpad',
      mm_projector_type: 'mlp2x_gelu',
      mm_vision_tower: 'google/siglip-so400m-patch14-28',
    },
    'vocab.json': vocab,
    'merges.txt': '#version: 0.2\nt 1\nt 2\n',
    'added_tokens.json': specials,
  };
}

export function writeCheckpoint(
  folder: string,
  files: CheckpointFiles = lmmsFiles(),
  tensors: Record<string, TestTensor> = lmmsTensors(),
): void {
  for (const [name, value] of Object.entries(files))
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  writeFileSync(join(folder, 'model.safetensors'), safetensorsBytes(tensors));
}
