/**
 * A checkpoint folder: its config.json and where each of its tensors lies, in one safetensors file or in shards with
 * an index. Reads headers only.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isRecord } from '../option-checks.js';
import { checkpointError } from './checkpoint-error.js';
import { type JsonFile, readJsonFile, readJsonFileIfAny } from './json-file.js';
import { readSafetensors, type SafetensorsFile, type SafetensorsTensor } from './safetensors.js';

export interface Checkpoint {
  path: string;
  config: JsonFile;
  tensors: Map<string, SafetensorsTensor>;
}

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';

/** The header of a file of weights, which may lie elsewhere. @param path where it would be in the folder */
export type ReadWeights = (path: string) => Promise<SafetensorsFile>;

/** @throws ERR_CHECKPOINT */
export async function openCheckpoint(
  path: string,
  readWeights: ReadWeights = readSafetensors,
): Promise<Checkpoint> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isDirectory())
    throw checkpointError(path, 'expected a checkpoint folder (with config.json and safetensors).');
  return {
    path,
    config: await readJsonFile(join(path, 'config.json')),
    tensors: await readTensorTable(path, readWeights),
  };
}

/** Every tensor of a checkpoint folder. @throws ERR_CHECKPOINT */
export async function readTensorTable(
  folder: string,
  readWeights: ReadWeights = readSafetensors,
): Promise<Map<string, SafetensorsTensor>> {
  const path = join(folder, SINGLE_FILE);
  if (await stat(path).catch(() => undefined)) {
    const { tensors } = await readWeights(path);
    return new Map(tensors.map((tensor) => [tensor.name, tensor]));
  }
  const index = await readJsonFileIfAny(join(folder, INDEX_FILE));
  if (index) return readShards(folder, index, readWeights);
  throw checkpointError(folder, `it has no ${SINGLE_FILE} or ${INDEX_FILE}${await hint(folder)}.`);
}

async function readShards(
  folder: string,
  index: JsonFile,
  readWeights: ReadWeights,
): Promise<Map<string, SafetensorsTensor>> {
  const weightMap = Object.entries(index.fields.weight_map ?? {});
  const isShardName = (name: unknown) =>
    typeof name === 'string' && basename(name) === name && !/^\.{0,2}$|\0/.test(name);
  if (!isRecord(index.fields.weight_map) || !weightMap.every(([, shard]) => isShardName(shard)))
    throw checkpointError(index.path, 'expected a "weight_map" from tensor names to file names.');
  const tensors = new Map<string, SafetensorsTensor>();
  for (const shard of new Set(weightMap.map(([, name]) => name as string)))
    for (const tensor of (await readWeights(join(folder, shard))).tensors) {
      const earlier = tensors.get(tensor.name);
      if (earlier)
        throw checkpointError(
          tensor.file,
          `the tensor '${tensor.name}' is also in ${basename(earlier.file)}.`,
          { tensor: tensor.name },
        );
      tensors.set(tensor.name, tensor);
    }
  for (const [name, shard] of weightMap)
    if (basename(tensors.get(name)?.file ?? '') !== shard)
      throw checkpointError(
        index.path,
        `the tensor '${name}' is not in ${shard}, where the index places it.`,
        { tensor: name },
      );
  return tensors;
}

async function hint(folder: string): Promise<string> {
  const names = await readdir(folder);
  return names.some((name) => /\.(bin|pth|pt)$/.test(name))
    ? ' (its PyTorch .bin files have to be saved as safetensors first)'
    : '';
}
