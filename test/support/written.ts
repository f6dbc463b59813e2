/** The tensors of a conversion's two files, with their bytes. */
import { readFileSync } from 'node:fs';
import type { ConvertResult } from '../../src/convert/convert.js';
import { type GgufTensor, readGguf } from '../../src/gguf/reader.js';

export interface WrittenTensor extends GgufTensor {
  data: Buffer;
}

export async function readWritten({ model, mmproj }: ConvertResult): Promise<WrittenTensor[]> {
  const tensors: WrittenTensor[] = [];
  for (const { path } of [model, mmproj]) {
    const file = readFileSync(path);
    for (const tensor of (await readGguf(path)).tensors) {
      const data = file.subarray(tensor.offset, tensor.offset + tensor.bytes);
      tensors.push({ ...tensor, data });
    }
  }
  return tensors;
}
