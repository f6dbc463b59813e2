/** The hub's own parser (@huggingface/gguf) next to our reader. */
import { GGMLQuantizationType, GGUFValueType, gguf } from '@huggingface/gguf';
import { expect } from 'vitest';
import { type GgufFile, readGguf } from '../../src/gguf/reader.js';

/** "UINT32" to "u32" */
const shortType = (type: GGUFValueType): string =>
  GGUFValueType[type].toLowerCase().replace(/^(u|i|f)[a-z]*(?=\d)/, '$1');

/** Key to [type, value], arrays as [type, values]. */
async function parsedByHub(path: string) {
  const { typedMetadata, tensorInfos, tensorDataOffset } = await gguf(path, {
    typedMetadata: true,
    allowLocalFile: true,
  });
  const { version, tensor_count, kv_count, ...entries } = typedMetadata;
  expect(tensor_count.value).toBe(BigInt(tensorInfos.length));
  expect(kv_count.value).toBe(BigInt(Object.keys(entries).length));
  return {
    version: version.value as number,
    metadata: Object.fromEntries(
      Object.entries(entries).map(([key, { type, subType, value }]) => [
        key,
        [shortType(subType ?? type), value],
      ]),
    ),
    tensors: tensorInfos.map(({ name, shape, dtype, offset }) => ({
      name,
      shape: shape.map(Number),
      type: GGMLQuantizationType[dtype].toLowerCase(),
      offset: Number(tensorDataOffset + offset),
    })),
  };
}

function readByUs({ version, metadata, scalarTypes, tensors }: GgufFile) {
  return {
    version,
    metadata: Object.fromEntries(
      [...metadata].map(([key, value]) => [
        key,
        typeof value === 'object'
          ? [value.type, Array.from<unknown>(value.values)]
          : [scalarTypes.get(key), value],
      ]),
    ),
    tensors: tensors.map(({ name, shape, type, offset }) => ({
      name,
      shape,
      type: type.toLowerCase(),
      offset,
    })),
  };
}

/** Fails where the two differ: in the version, a key, its type or value, a name, shape, type or place of a tensor. */
export async function expectHubReadsTheSame(path: string) {
  const ours = readByUs(await readGguf(path));
  expect(ours.tensors.length).toBeGreaterThan(0);
  expect(await parsedByHub(path)).toEqual(ours);
}
