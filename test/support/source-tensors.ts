/** Checkpoints read without the converter: their tensors by definition of safetensors, and which of them a GGUF tensor was made from. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestTensor } from './safetensors.js';

/** Of a folder, by name. */
export function readSources(folder: string): Map<string, TestTensor> {
  const tensors = new Map<string, TestTensor>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.safetensors'))) {
    const bytes = readFileSync(join(folder, file));
    const dataStart = 8 + Number(bytes.readBigUInt64LE());
    const { __metadata__, ...header } = JSON.parse(bytes.toString('utf8', 8, dataStart));
    for (const [name, { dtype, shape, data_offsets: range }] of Object.entries<
      TestTensor & { data_offsets: [number, number] }
    >(header)) {
      const data = bytes.subarray(dataStart + range[0], dataStart + range[1]);
      tensors.set(name, { dtype, shape, data });
    }
  }
  return tensors;
}

/** What the parts of a checkpoint are called. */
export interface PartNames {
  decoder: string;
  head: string;
  tower: string;
  projector: [first: string, second: string];
  newline: string;
}

export const LMMS_NAMES: PartNames = {
  decoder: 'model',
  head: 'lm_head',
  tower: 'model.vision_tower.vision_tower.vision_model',
  projector: ['model.mm_projector.0', 'model.mm_projector.2'],
  newline: 'model.image_newline',
};

export const SAVED_NAMES: PartNames = {
  decoder: 'language_model.model',
  head: 'language_model.lm_head',
  tower: 'vision_tower.vision_model',
  projector: ['multi_modal_projector.linear_1', 'multi_modal_projector.linear_2'],
  newline: 'image_newline',
};

export const IN_MEMORY_NAMES: PartNames = {
  decoder: 'model.language_model',
  head: 'lm_head',
  tower: 'model.vision_tower.vision_model',
  projector: ['model.multi_modal_projector.linear_1', 'model.multi_modal_projector.linear_2'],
  newline: 'model.image_newline',
};

/** As transformers 5.18 saves them. */
export const withoutSegment = (names: PartNames): PartNames => ({
  ...names,
  tower: names.tower.replace('.vision_model', ''),
});

/** The checkpoint's name of what is `name` in a GGUF file. */
export function sourceName(name: string, parts: PartNames): string {
  if (name === 'v.image_newline') return parts.newline;
  const kind = name.slice(name.lastIndexOf('.'));
  const module = name.slice(0, -kind.length);
  const [, tower, block, part] = /^(v\.)?blk\.(\d+)\.(.+)$/.exec(module) ?? [];
  if (part === undefined) return `${moduleName(module, parts)}${kind}`;
  return tower
    ? `${parts.tower}.encoder.layers.${block}.${TOWER[part]}${kind}`
    : `${parts.decoder}.layers.${block}.${DECODER[part]}${kind}`;
}

function moduleName(module: string, { decoder, head, tower, projector }: PartNames): string {
  const names: Record<string, string> = {
    token_embd: `${decoder}.embed_tokens`,
    output_norm: `${decoder}.norm`,
    output: head,
    'v.patch_embd': `${tower}.embeddings.patch_embedding`,
    'v.position_embd': `${tower}.embeddings.position_embedding`,
    'mm.0': projector[0],
    'mm.2': projector[1],
  };
  return names[module]!;
}

const DECODER: Record<string, string> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

const TOWER: Record<string, string> = {
  ln1: 'layer_norm1',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_out: 'self_attn.out_proj',
  ln2: 'layer_norm2',
  ffn_up: 'mlp.fc1',
  ffn_down: 'mlp.fc2',
};
