/**
 * The sizes of the SigLIP tower. Not every config describes it, so they are read off the tensors, and off SigLIP's own
 * constants where tensors cannot tell; what a config does state has to agree.
 * @see LLaVA-NeXT llava/model/multimodal_encoder/siglip_encoder.py SigLipVisionConfig (commit df17966)
 */
import type { LlavaError } from '../errors.js';
import { isRecord } from '../option-checks.js';
import { checkpointError } from './checkpoint-error.js';
import type { PlanSource } from './gguf-plan.js';
import { type JsonFile, jsonEpsilon, jsonInteger, wrongField } from './json-file.js';
import type { ModelConfig } from './model-config.js';

export interface TowerSizes {
  imageSize: number;
  patchSize: number;
  nPatches: number;
  nEmbd: number;
  nFfn: number;
  nHead: number;
  /** Blocks to run. */
  nLayer: number;
  layerNormEpsilon: number;
}

/** SO400M: width 1152, 16 heads. */
const HEAD_DIM = 72;
const LAYER_NORM_EPSILON = 1e-6;

type TowerSource = Pick<PlanSource, 'checkpoint' | 'config' | 'tensors'>;

/** @throws ERR_CHECKPOINT */
export function readTowerSizes(source: TowerSource): TowerSizes {
  const { tower } = source.config;
  const [nEmbd, , patchSize] = shapeOf(source, 'v.patch_embd.weight', 4);
  const [nPatches] = shapeOf(source, 'v.position_embd.weight', 2);
  const [nFfn] = shapeOf(source, 'v.blk.0.ffn_up.weight', 2);
  checkStated(tower, { hidden_size: nEmbd!, intermediate_size: nFfn!, patch_size: patchSize! });
  const imageSize = readImageSize(source.config);
  const side = Math.floor(imageSize / patchSize!);
  if (side ** 2 !== nPatches)
    throw checkpointError(
      source.checkpoint.path,
      `an image size of ${imageSize} in patches of ${patchSize} gives ${side}² positions, ` +
        `but the tower has ${nPatches} position embeddings.`,
    );
  return {
    imageSize,
    patchSize: patchSize!,
    nPatches,
    nEmbd: nEmbd!,
    nFfn: nFfn!,
    nHead: readHeads(tower, nEmbd!),
    nLayer: readDepth(source, nEmbd!),
    layerNormEpsilon: jsonEpsilon(tower, 'layer_norm_eps', LAYER_NORM_EPSILON),
  };
}

function checkStated(tower: JsonFile, sizes: Record<string, number>): void {
  for (const [key, size] of Object.entries(sizes))
    if (jsonInteger(tower, key, size) !== size)
      throw wrongField(tower, key, `${size}, as the tensors have it,`);
}

function shapeOf(
  { checkpoint, tensors }: TowerSource,
  name: string,
  nDimensions: number,
): number[] {
  const tensor = tensors.get(name);
  if (!tensor)
    throw checkpointError(checkpoint.path, `the tensor for '${name}' is missing.`, {
      tensor: name,
    });
  if (tensor.shape.length !== nDimensions || tensor.shape.includes(0))
    throw checkpointError(
      tensor.file,
      `the tensor '${tensor.name}' has shape [${tensor.shape}]; expected ${nDimensions} dimensions.`,
      { tensor: tensor.name },
    );
  return tensor.shape;
}

function readHeads(described: JsonFile, nEmbd: number): number {
  const nHead = jsonInteger(described, 'num_attention_heads', Math.max(1, nEmbd / HEAD_DIM));
  if (nEmbd % nHead !== 0)
    throw checkpointError(
      described.path,
      `${nHead} vision heads do not divide a width of ${nEmbd}.`,
    );
  return nHead;
}

function readDepth(source: TowerSource, nEmbd: number): number {
  const nBlocks = countStored(source);
  const nLayer = source.config.countBlocks({ nBlocks, nEmbd });
  if (nLayer < 1)
    throw checkpointError(source.checkpoint.path, 'no block of the tower is left to run.');
  if (nLayer > nBlocks) throw missingBlock(source, { block: nBlocks, nLayer });
  return nLayer;
}

/** A block is there when any of its tensors is; what it lacks is found when it is used. */
function countStored(source: TowerSource): number {
  const blocks = new Set<number>();
  for (const name of source.tensors.keys()) {
    const block = /^v\.blk\.(\d+)\./.exec(name)?.[1];
    if (block !== undefined) blocks.add(Number(block));
  }
  for (let block = 0; block < blocks.size; block++)
    if (!blocks.has(block)) throw missingBlock(source, { block, nLayer: Math.max(...blocks) + 1 });
  return blocks.size;
}

function missingBlock(
  { checkpoint }: TowerSource,
  { block, nLayer }: { block: number; nLayer: number },
): LlavaError {
  const tensor = `v.blk.${block}.ln1.weight`;
  return checkpointError(
    checkpoint.path,
    `the tensor for '${tensor}' is missing, as all of block ${block} of the tower, which should have ${nLayer} blocks.`,
    { tensor },
  );
}

/** Pixels of a tile's side: the preprocessor's, or the tower's own. */
function readImageSize({ preprocessor, tower }: ModelConfig): number {
  for (const key of ['crop_size', 'size']) {
    const value = preprocessor.fields[key];
    if ((value ?? null) === null) continue;
    const [width, height] = isRecord(value) ? [value.width, value.height] : [value].flat(1);
    if (!Number.isSafeInteger(width) || (height !== undefined && height !== width))
      throw wrongField(preprocessor, key, 'a square size in pixels');
    return width as number;
  }
  return jsonInteger(tower, 'image_size');
}
