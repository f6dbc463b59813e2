/** A complete mmproj of two tiny blocks, in the form clip.cpp reads; tests change one thing each. */
import type { TestGguf, TestGgufTensor } from './gguf.js';

export const mmprojSizes = {
  imageSize: 14,
  patchSize: 4,
  side: 3,
  nEmbd: 8,
  nFfn: 12,
  nHead: 2,
  nLayer: 2,
  nProjection: 6,
};

export function mmprojGguf(change: { nProjection?: number } = {}): TestGguf {
  const { nEmbd, nFfn, nLayer, nProjection, patchSize, side } = { ...mmprojSizes, ...change };
  const f32 = (name: string, ...shape: number[]): TestGgufTensor => ({ name, shape, type: 'f32' });
  const linear = (name: string, nIn: number, nOut: number) => [
    f32(`${name}.weight`, nIn, nOut),
    f32(`${name}.bias`, nOut),
  ];
  const block = (name: string) => [
    ...['ln1', 'ln2'].flatMap((norm) =>
      ['weight', 'bias'].map((kind) => f32(`${name}.${norm}.${kind}`, nEmbd)),
    ),
    ...['attn_q', 'attn_k', 'attn_v', 'attn_out'].flatMap((part) =>
      linear(`${name}.${part}`, nEmbd, nEmbd),
    ),
    ...linear(`${name}.ffn_up`, nEmbd, nFfn),
    ...linear(`${name}.ffn_down`, nFfn, nEmbd),
  ];
  return {
    entries: {
      'general.architecture': ['string', 'clip'],
      'clip.has_vision_encoder': ['bool', true],
      'clip.projector_type': ['string', 'mlp'],
      'clip.vision.image_size': ['u32', mmprojSizes.imageSize],
      'clip.vision.patch_size': ['u32', patchSize],
      'clip.vision.embedding_length': ['u32', nEmbd],
      'clip.vision.feed_forward_length': ['u32', nFfn],
      'clip.vision.block_count': ['u32', nLayer],
      'clip.vision.feature_layer': ['i32[]', [nLayer]],
      'clip.vision.projection_dim': ['u32', 768],
      'clip.vision.attention.head_count': ['u32', mmprojSizes.nHead],
      'clip.vision.attention.layer_norm_epsilon': ['f32', 2 ** -20],
      'clip.vision.image_mean': ['f32[]', [0.5, 0.25, 0.125]],
      'clip.vision.image_std': ['f32[]', [0.5, 0.5, 0.25]],
      'clip.vision.mm_patch_merge_type': ['string', 'spatial_unpad'],
      'clip.vision.image_grid_pinpoints': ['i32[]', [14, 14, 14, 28]],
    },
    tensors: [
      f32('v.patch_embd.weight', patchSize, patchSize, 3, nEmbd),
      f32('v.patch_embd.bias', nEmbd),
      f32('v.position_embd.weight', nEmbd, side * side),
      ...block('v.blk.0'),
      ...block('v.blk.1'),
      ...linear('mm.0', nEmbd, nProjection),
      ...linear('mm.2', nProjection, nProjection),
      f32('v.image_newline', nProjection),
    ],
  };
}
