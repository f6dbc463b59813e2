/** A checkpoint whose weights are in several files, as the larger published models have them. */
import { WEIGHTS_INDEX } from '../../src/hub/select-files.js';
import type { Files } from './hub-files.js';
import { safetensorsBytes, type TestTensor } from './safetensors.js';

/** @param checkpoint with one file of weights; each of the others has about as much, and some of both parts */
export function inShards(checkpoint: Files, count: number): Files {
  const { 'model.safetensors': weights, ...rest } = checkpoint;
  const bytes = weights as Buffer;
  const dataStart = 8 + Number(bytes.readBigUInt64LE());
  const { __metadata__: _, ...header } = JSON.parse(bytes.toString('utf8', 8, dataStart));
  const shards: Record<string, TestTensor>[] = Array.from({ length: count }, () => ({}));
  const map: Record<string, string> = {};
  const filled = shards.map(() => 0);
  for (const name of Object.keys(header)) {
    const { dtype, shape, data_offsets } = header[name];
    const [start, end] = data_offsets.map((offset: number) => dataStart + offset);
    const least = filled.indexOf(Math.min(...filled));
    filled[least]! += end! - start!;
    shards[least]![name] = { dtype, shape, data: bytes.subarray(start, end) };
    map[name] = shardName(least, count);
  }
  const files = shards.map((tensors, i) => [shardName(i, count), safetensorsBytes(tensors)]);
  return {
    ...rest,
    ...Object.fromEntries(files),
    [WEIGHTS_INDEX]: JSON.stringify({ weight_map: map }),
  };
}

export function shardName(index: number, count: number): string {
  const number = (n: number) => String(n).padStart(5, '0');
  return `model-${number(index + 1)}-of-${number(count)}.safetensors`;
}
