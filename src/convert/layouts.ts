/**
 * The naming schemes of published checkpoints, and what each of their tensors is called in GGUF files.
 *
 * A layout says which name prefix belongs to which part; prefixes match at any dot, because releases differ in what
 * they put in front ("model.vision_tower.vision_tower.vision_model." here, "vision_tower.vision_model." there).
 * @see LLaVA-NeXT llava/model/language_model/llava_qwen.py (commit df17966),
 *   transformers conversion_mapping.py "llava" (5.18.0), which also drops the tower's "vision_model." when it saves
 */

import type { Dialect } from '../dialect.js';
import type { Checkpoint } from './checkpoint.js';
import { checkpointError } from './checkpoint-error.js';
import { type JsonFile, wrongField } from './json-file.js';
import { readLmmsConfig } from './lmms-config.js';
import type { ModelConfig, StoredFacts } from './model-config.js';
import type { SafetensorsTensor } from './safetensors.js';
import { readTransformersConfig } from './transformers-config.js';

type Part = 'decoder' | 'head' | 'tower' | 'projector' | 'newline';

export interface Layout {
  /** `architectures[0]` of config.json; `model_type` differs between releases of the same thing. */
  architecture: string;
  /** The reference whose preprocessing and prompt the weights were published with. */
  dialect: Dialect;
  /** @throws ERR_CHECKPOINT */
  readConfig(checkpoint: Checkpoint, facts: StoredFacts): Promise<ModelConfig>;
  /** First match wins: [part, its prefix]. */
  prefixes: [part: Part, prefix: string][];
  /** Projector tensors to GGUF's names. */
  projector: Record<string, string>;
}

const layouts: Layout[] = [
  {
    architecture: 'LlavaQwenForCausalLM',
    dialect: 'llava-next',
    readConfig: readLmmsConfig,
    prefixes: [
      ['tower', 'vision_model.'],
      ['tower', 'vision_tower.vision_tower.'],
      ['tower', 'vision_tower.'],
      ['projector', 'mm_projector.'],
      ['newline', 'image_newline'],
      ['head', 'lm_head.'],
      ['decoder', 'model.'],
    ],
    projector: { '0': 'mm.0', '2': 'mm.2' },
  },
  {
    architecture: 'LlavaOnevisionForConditionalGeneration',
    dialect: 'transformers',
    readConfig: readTransformersConfig,
    prefixes: [
      ['tower', 'vision_tower.vision_model.'],
      ['tower', 'vision_tower.'],
      ['projector', 'multi_modal_projector.'],
      ['newline', 'image_newline'],
      ['head', 'lm_head.'],
      ['decoder', 'language_model.model.'],
      ['decoder', 'language_model.'],
    ],
    projector: { linear_1: 'mm.0', linear_2: 'mm.2' },
  },
];

/** @throws ERR_CHECKPOINT for an architecture that no layout has. */
export function findLayout(config: JsonFile): Layout {
  const { architectures } = config.fields;
  const architecture = Array.isArray(architectures) ? architectures[0] : undefined;
  const layout = layouts.find((candidate) => candidate.architecture === architecture);
  if (!layout)
    throw wrongField(
      config,
      'architectures',
      `one of the supported architectures (${layouts.map((row) => row.architecture).join(', ')})`,
    );
  return layout;
}

/** Tensors by GGUF name. */
export interface NamedTensors {
  decoder: Map<string, SafetensorsTensor>;
  vision: Map<string, SafetensorsTensor>;
  /** That have no place in the model. */
  unknown: SafetensorsTensor[];
}

/** @throws ERR_CHECKPOINT when two tensors mean the same thing. */
export function nameTensors(layout: Layout, tensors: Iterable<SafetensorsTensor>): NamedTensors {
  const named: NamedTensors = { decoder: new Map(), vision: new Map(), unknown: [] };
  for (const tensor of tensors) {
    const found = ggufName(layout, tensor.name);
    if (!found) {
      named.unknown.push(tensor);
      continue;
    }
    const earlier = named[found.file].get(found.name);
    if (earlier)
      throw checkpointError(
        tensor.file,
        `'${tensor.name}' and '${earlier.name}' are the same part.`,
        {
          tensor: tensor.name,
        },
      );
    named[found.file].set(found.name, tensor);
  }
  return named;
}

/** What a tensor of the decoder is called in GGUF, whichever layout its name is of. */
export function findDecoderName(name: string): string | undefined {
  for (const layout of layouts) {
    const found = ggufName(layout, name);
    if (found?.file === 'decoder') return found.name;
  }
  return undefined;
}

function ggufName(
  layout: Layout,
  name: string,
): { file: 'decoder' | 'vision'; name: string } | undefined {
  for (const [part, prefix] of layout.prefixes) {
    const start = `.${name}`.indexOf(`.${prefix}`);
    if (start === -1) continue;
    const rest = name.slice(start + prefix.length);
    const found = renameIn[part](rest, layout);
    return found === undefined
      ? undefined
      : { file: part === 'decoder' || part === 'head' ? 'decoder' : 'vision', name: found };
  }
  return undefined;
}

const renameIn: Record<Part, (rest: string, layout: Layout) => string | undefined> = {
  decoder: (rest) =>
    renameBlock(rest, { pattern: /^layers\.(\d+)\.(.+)$/, prefix: 'blk', names: decoderNames }),
  head: (rest) => (rest === 'weight' ? 'output.weight' : undefined),
  tower: (rest) =>
    renameBlock(rest, {
      pattern: /^encoder\.layers\.(\d+)\.(.+)$/,
      prefix: 'v.blk',
      names: towerNames,
    }),
  projector: (rest, layout) => {
    const [, module, kind] = /^(.+)\.(weight|bias)$/.exec(rest) ?? [];
    const name = module === undefined ? undefined : layout.projector[module];
    return name && `${name}.${kind}`;
  },
  newline: (rest) => (rest === '' ? 'v.image_newline' : undefined),
};

const decoderNames: Record<string, string> = {
  embed_tokens: 'token_embd',
  norm: 'output_norm',
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

const towerNames: Record<string, string> = {
  'embeddings.patch_embedding': 'v.patch_embd',
  'embeddings.position_embedding': 'v.position_embd',
  layer_norm1: 'ln1',
  layer_norm2: 'ln2',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.out_proj': 'attn_out',
  'mlp.fc1': 'ffn_up',
  'mlp.fc2': 'ffn_down',
};

/** "layers.3.mlp.up_proj.weight" to "blk.3.ffn_up.weight", "norm.weight" to "output_norm.weight". */
function renameBlock(
  rest: string,
  scheme: { pattern: RegExp; prefix: string; names: Record<string, string> },
): string | undefined {
  const [, block, inBlock] = scheme.pattern.exec(rest) ?? [];
  const [, module, kind] = /^(.+)\.(weight|bias)$/.exec(inBlock ?? rest) ?? [];
  const name = module === undefined ? undefined : scheme.names[module];
  if (name === undefined) return undefined;
  return block === undefined
    ? `${name}.${kind}`
    : `${scheme.prefix}.${Number(block)}.${name}.${kind}`;
}
