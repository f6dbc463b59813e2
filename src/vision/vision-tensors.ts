/**
 * The tensors of a vision tower and its projector in an mmproj file: names, shapes, and whether a file has them all.
 * @see tools/mtmd/clip-impl.h, clip.cpp `load_tensors` (llama.cpp v0.5.0)
 */
import { ggmlTypeByName } from '../gguf/ggml-types.js';
import { type GgufFile, type GgufTensor, modelLoadError } from '../gguf/reader.js';

export interface TowerShape {
  patchSize: number;
  /** Patches per tile. */
  nPatches: number;
  nEmbd: number;
  nFfn: number;
  /** Blocks that are run. */
  nLayer: number;
  nProjection: number;
}

type Shapes = [name: string, shape: number[]][];

/** Files of other towers and projectors, which would run and give nonsense. */
const FOREIGN: [name: string, what: string][] = [
  ['v.class_embd', 'a class token, so the tower is not SigLIP'],
  ['v.pre_ln.weight', 'a norm before the blocks, so the tower is not SigLIP'],
  ['mm.3.weight', 'a projector other than two linear layers'],
];

/** @returns bytes of the tensors that are used. @throws ERR_MODEL_LOAD naming the first tensor that is missing or wrong */
export function checkTowerTensors(file: GgufFile, shape: TowerShape): number {
  const tensors = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  for (const [name, what] of FOREIGN)
    if (tensors.has(name)) throw modelLoadError(file.path, `it has ${what} (tensor '${name}').`);
  let bytes = 0;
  for (const [name, expected] of towerTensors(shape, tensors)) {
    const tensor = tensors.get(name);
    if (!tensor) throw modelLoadError(file.path, `the tensor '${name}' is missing.`);
    checkTensor(file.path, tensor, expected);
    bytes += tensor.bytes;
  }
  return bytes;
}

/** Width of the projector's output, the decoder's width. @throws ERR_MODEL_LOAD */
export function projectorWidth(file: GgufFile): number {
  const bias = file.tensors.find(({ name }) => name === 'mm.0.bias');
  if (!bias) throw modelLoadError(file.path, "the tensor 'mm.0.bias' is missing.");
  return bias.shape[0]!;
}

function checkTensor(path: string, tensor: GgufTensor, expected: number[]): void {
  const { name, shape, type } = tensor;
  if (shape.join() !== expected.join())
    throw modelLoadError(
      path,
      `the tensor '${name}' has shape [${shape}] where [${expected}] is expected.`,
    );
  // Only matrices of blocks and projector are multiplied as they are stored; the rest is read as plain numbers.
  const isMatrix = shape.length === 2 && name !== 'v.position_embd.weight';
  const isUsable = isMatrix
    ? ggmlTypeByName(type)?.isWeight
    : ['f32', 'f16', 'bf16'].includes(type);
  if (!isUsable) throw modelLoadError(path, `the tensor '${name}' cannot be of type ${type}.`);
}

function towerTensors(shape: TowerShape, stored: ReadonlyMap<string, GgufTensor>): Shapes {
  const { patchSize, nPatches, nEmbd, nProjection } = shape;
  return [
    ['v.patch_embd.weight', [patchSize, patchSize, 3, nEmbd]],
    ['v.patch_embd.bias', [nEmbd]],
    ['v.position_embd.weight', [nEmbd, nPatches]],
    ...Array.from({ length: shape.nLayer }, (_, i) => blockTensors(shape, i, stored)).flat(),
    ...linear('mm.0', nEmbd, nProjection),
    ...linear('mm.2', nProjection, nProjection),
    ['v.image_newline', [nProjection]],
  ];
}

function blockTensors(
  { nEmbd, nFfn }: TowerShape,
  layer: number,
  stored: ReadonlyMap<string, GgufTensor>,
): Shapes {
  const block = `v.blk.${layer}`;
  // Old converters exchanged the names of the two; clip.cpp tells by the same shape.
  const isSwapped = stored.get(`${block}.ffn_down.weight`)?.shape[0] === nEmbd;
  const [up, down] = isSwapped ? ['ffn_down', 'ffn_up'] : ['ffn_up', 'ffn_down'];
  return [
    ...norm(`${block}.ln1`, nEmbd),
    ...['attn_q', 'attn_k', 'attn_v', 'attn_out'].flatMap((part) =>
      linear(`${block}.${part}`, nEmbd, nEmbd),
    ),
    ...norm(`${block}.ln2`, nEmbd),
    ...linear(`${block}.${up}`, nEmbd, nFfn),
    ...linear(`${block}.${down}`, nFfn, nEmbd),
  ];
}

function linear(name: string, nIn: number, nOut: number): Shapes {
  return [
    [`${name}.weight`, [nIn, nOut]],
    [`${name}.bias`, [nOut]],
  ];
}

function norm(name: string, width: number): Shapes {
  return [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ];
}
