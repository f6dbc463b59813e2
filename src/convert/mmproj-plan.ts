import { ggmlTypeByName } from '../gguf/ggml-types.js';
import { generalEntries } from './general-entries.js';
import {
  fallbackNotes,
  type GgufEntry,
  type GgufPlan,
  type PlannedTensor,
  type PlanSource,
  requireTensor,
} from './gguf-plan.js';
import { isFloat, jsonInteger, wrongField } from './json-file.js';
import type { ModelConfig } from './model-config.js';
import { baseType, type MmprojOuttype } from './outtypes.js';
import { readTowerSizes, type TowerSizes } from './tower-sizes.js';

interface MmprojPlanOptions extends PlanSource {
  outtype: MmprojOuttype;
}

interface Sizes extends TowerSizes {
  nPaddedFfn: number;
  nProjection: number;
}

/** @throws ERR_CHECKPOINT */
export async function planMmproj(options: MmprojPlanOptions): Promise<GgufPlan> {
  const { config, outtype } = options;
  const tower = readTowerSizes(options);
  const { blockSize } = ggmlTypeByName(baseType(outtype))!;
  const sizes: Sizes = {
    ...tower,
    // The FFN is padded to whole blocks: gelu(0) = 0 makes that exact.
    nPaddedFfn: blockSize > 1 ? Math.ceil(tower.nFfn / blockSize) * blockSize : tower.nFfn,
    nProjection: jsonInteger(config.text, 'hidden_size'),
  };
  const tensors = planTensors(options, sizes);
  return {
    entries: [
      ...(await generalEntries({ ...options, type: 'mmproj', architecture: 'clip', tensors })),
      ...clipEntries(sizes, config),
      ...anyresEntries(options, sizes),
    ],
    tensors,
    notes: [...paddingNotes(sizes), ...fallbackNotes(tensors, baseType(outtype))],
  };
}

function planTensors(options: MmprojPlanOptions, sizes: Sizes): PlannedTensor[] {
  const { outtype, checkpoint, tensors } = options;
  return [...fixedTensors(sizes), ...blockTensors(sizes)].map(({ name, shape, stored }) => {
    const wanted = { shape: stored ?? shape, checkpoint: checkpoint.path };
    const source = requireTensor(tensors, name, wanted);
    return { name, shape, type: visionType({ name, shape }, outtype), source };
  });
}

/** clip.cpp multiplies patches as f16 and cannot take bf16 there; position embeddings are added, not multiplied. */
function visionType(
  { name, shape }: { name: string; shape: number[] },
  outtype: MmprojOuttype,
): string {
  if (name === 'v.position_embd.weight') return 'f32';
  if (name === 'v.patch_embd.weight') return outtype === 'f16' ? 'f16' : 'f32';
  if (shape.length === 1) return 'f32';
  const type = baseType(outtype);
  return shape[0]! % ggmlTypeByName(type)!.blockSize === 0 ? type : 'f16';
}

interface VisionTensor {
  name: string;
  /** GGUF order. */
  shape: number[];
  /** The checkpoint's shape in GGUF order, where the file's is padded. */
  stored?: number[];
}

function fixedTensors({ nEmbd, nProjection, nPatches, patchSize }: Sizes): VisionTensor[] {
  return [
    { name: 'v.patch_embd.weight', shape: [patchSize, patchSize, 3, nEmbd] },
    { name: 'v.patch_embd.bias', shape: [nEmbd] },
    { name: 'v.position_embd.weight', shape: [nEmbd, nPatches] },
    ...linear('mm.0', nEmbd, nProjection),
    ...linear('mm.2', nProjection, nProjection),
    { name: 'v.image_newline', shape: [nProjection] },
  ];
}

function blockTensors({ nLayer, nEmbd, nFfn, nPaddedFfn }: Sizes): VisionTensor[] {
  const block = (name: string): VisionTensor[] => [
    ...['ln1', 'ln2'].flatMap((norm) =>
      ['weight', 'bias'].map((kind) => ({ name: `${name}.${norm}.${kind}`, shape: [nEmbd] })),
    ),
    ...['attn_q', 'attn_k', 'attn_v', 'attn_out'].flatMap((part) =>
      linear(`${name}.${part}`, nEmbd, nEmbd),
    ),
    { name: `${name}.ffn_up.weight`, shape: [nEmbd, nPaddedFfn], stored: [nEmbd, nFfn] },
    { name: `${name}.ffn_up.bias`, shape: [nPaddedFfn], stored: [nFfn] },
    { name: `${name}.ffn_down.weight`, shape: [nPaddedFfn, nEmbd], stored: [nFfn, nEmbd] },
    { name: `${name}.ffn_down.bias`, shape: [nEmbd] },
  ];
  return Array.from({ length: nLayer }, (_, layer) => block(`v.blk.${layer}`)).flat();
}

function linear(name: string, nIn: number, nOut: number): VisionTensor[] {
  return [
    { name: `${name}.weight`, shape: [nIn, nOut] },
    { name: `${name}.bias`, shape: [nOut] },
  ];
}

function clipEntries(sizes: Sizes, config: ModelConfig): GgufEntry[] {
  const integers: [key: string, value: number][] = [
    ['image_size', sizes.imageSize],
    ['patch_size', sizes.patchSize],
    ['embedding_length', sizes.nEmbd],
    ['feed_forward_length', sizes.nPaddedFfn],
    ['block_count', sizes.nLayer],
    ['projection_dim', sizes.nProjection],
    ['attention.head_count', sizes.nHead],
  ];
  return [
    { key: 'clip.has_vision_encoder', type: 'bool', value: true },
    { key: 'clip.projector_type', type: 'string', value: 'mlp' },
    { key: 'clip.use_gelu', type: 'bool', value: true },
    ...integers.map(
      ([key, value]): GgufEntry => ({ key: `clip.vision.${key}`, type: 'u32', value }),
    ),
    {
      key: 'clip.vision.attention.layer_norm_epsilon',
      type: 'f32',
      value: sizes.layerNormEpsilon,
    },
    { key: 'clip.vision.feature_layer', type: 'i32[]', value: Int32Array.of(sizes.nLayer) },
    { key: 'clip.vision.image_mean', type: 'f32[]', value: channels(config, 'image_mean') },
    { key: 'clip.vision.image_std', type: 'f32[]', value: channels(config, 'image_std') },
  ];
}

/** [3], for pixels scaled to 0-1. */
function channels(config: ModelConfig, key: 'image_mean' | 'image_std'): Float32Array {
  const { preprocessor, defaultMean, defaultStd } = config;
  const value = preprocessor.fields[key] ?? (key === 'image_mean' ? defaultMean : defaultStd);
  const isValid = (item: unknown) =>
    isFloat(item) && (key !== 'image_std' || Math.fround(item) > 0);
  if (!Array.isArray(value) || value.length !== 3 || !value.every(isValid))
    throw wrongField(preprocessor, key, 'three numbers within f32');
  return Float32Array.from(value);
}

function anyresEntries({ config, dialect }: MmprojPlanOptions, sizes: Sizes): GgufEntry[] {
  const { pinpoints, maxTiles, newlinePosition, poolMode } = config.anyres(sizes.imageSize);
  return [
    { key: 'clip.vision.mm_patch_merge_type', type: 'string', value: 'spatial_unpad' },
    {
      key: 'clip.vision.image_grid_pinpoints',
      type: 'i32[]',
      value: Int32Array.from(pinpoints.flat()),
    },
    { key: 'llavaov.version', type: 'u32', value: 1 },
    { key: 'llavaov.dialect', type: 'string', value: dialect },
    { key: 'llavaov.anyres_max', type: 'u32', value: maxTiles },
    { key: 'llavaov.newline_position', type: 'string', value: newlinePosition },
    { key: 'llavaov.pool_mode', type: 'string', value: poolMode },
    { key: 'llavaov.pool_stride', type: 'u32', value: 2 },
    ...(sizes.nPaddedFfn === sizes.nFfn
      ? []
      : ([{ key: 'llavaov.ffn_length', type: 'u32', value: sizes.nFfn }] as GgufEntry[])),
  ];
}

function paddingNotes({ nFfn, nPaddedFfn }: Sizes): string[] {
  return nFfn === nPaddedFfn
    ? []
    : [`the tower's FFN is zero-padded from ${nFfn} to ${nPaddedFfn}, which changes no result.`];
}
