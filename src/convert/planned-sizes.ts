/** What a load will need to know of files that are not written yet: the sizes in their headers, for a type of the decoder. */
import type { Dialect } from '../dialect.js';
import { decoderTensors } from '../gguf/decoder-tensors.js';
import { openCheckpoint, type ReadWeights } from './checkpoint.js';
import { readDecoderSizes } from './decoder-plan.js';
import { decoderType } from './decoder-types.js';
import { elementCount, tensorBytes } from './gguf-plan.js';
import { jsonInteger } from './json-file.js';
import type { Outtype } from './outtypes.js';
import { type ReadLayout, readLayout } from './read-layout.js';
import { readTowerSizes } from './tower-sizes.js';

/** Fields as the headers of the files will have them. */
export interface PlannedSizes {
  decoder: ReturnType<typeof decoderSizes>;
  vision: ReturnType<typeof visionSizes>;
}

/** Reads headers only. @returns the sizes for a type, and what both files will take, in bytes @throws ERR_CHECKPOINT */
export async function plannedSizes(
  folder: string,
  readWeights?: ReadWeights,
): Promise<(outtype: Outtype) => PlannedSizes> {
  const checkpoint = await openCheckpoint(folder, readWeights);
  const read = await readLayout(checkpoint);
  const { config, named, layout } = read;
  const sizes = readDecoderSizes({ checkpoint, config, tensors: named.decoder });
  const tower = readTowerSizes({ checkpoint, config, tensors: named.vision });
  const vision = visionSizes(read, tower, layout.dialect);
  return (outtype) => ({ decoder: decoderSizes(read, sizes, outtype), vision });
}

export function bytesOf({ decoder, vision }: PlannedSizes): number {
  return decoder.tensorBytes + vision.tensorBytes;
}

function decoderSizes(
  { config: { text, isTied } }: ReadLayout,
  sizes: ReturnType<typeof readDecoderSizes>,
  outtype: Outtype,
) {
  const choice = { ...sizes, isTied, outtype, hasImportance: false };
  const tensors = decoderTensors(sizes)
    .filter(({ name }) => !(isTied && name === 'output.weight'))
    .map(({ name, shape }) => {
      const type = decoderType(name, shape, choice);
      return { name, type, bytes: tensorBytes({ shape, type }) };
    });
  const sum = (part: { bytes: number }[]) => part.reduce((bytes, one) => bytes + one.bytes, 0);
  const head = tensors.find(({ name }) => name === 'output.weight') ?? tensors[0]!;
  return {
    ...sizes,
    isTied,
    headDim: sizes.nEmbd / sizes.nHead,
    nCtxTrain: jsonInteger(text, 'max_position_embeddings'),
    tensorBytes: sum(tensors),
    layerBytes: Array.from({ length: sizes.nLayer }, (_, layer) =>
      sum(tensors.filter(({ name }) => name.startsWith(`blk.${layer}.`))),
    ),
    headBytes: head.bytes,
    headType: head.type,
  };
}

/** Of an mmproj in f16. */
function visionSizes(
  { config, named }: ReadLayout,
  tower: ReturnType<typeof readTowerSizes>,
  dialect: Dialect,
) {
  const stored = [...named.vision.values()].map(({ shape }) => elementCount(shape) * 2);
  return {
    ...tower,
    dialect,
    side: Math.floor(tower.imageSize / tower.patchSize),
    nProjection: jsonInteger(config.text, 'hidden_size'),
    pinpoints: config
      .anyres(tower.imageSize)
      .pinpoints.map(([width, height]) => ({ width, height })),
    tensorBytes: stored.reduce((sum, bytes) => sum + bytes, 0),
  };
}
