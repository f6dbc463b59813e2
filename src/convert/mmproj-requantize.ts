/** The tensors of an existing mmproj in another type; the FFN padded with zeros to whole blocks, as the converter does. */
import { ggmlTypeByName } from '../gguf/ggml-types.js';
import { type GgufTensor, ggufInteger, readGguf } from '../gguf/reader.js';
import { readVisionConfig } from '../vision/vision-config.js';
import type { GgufEntry, PlannedTensor } from './gguf-plan.js';
import { baseType, type MmprojOuttype } from './outtypes.js';

/** @returns also the keys that change. @throws ERR_MODEL_LOAD */
export async function quantizeMmprojTensors(
  path: string,
  outtype: MmprojOuttype,
): Promise<{ tensors: PlannedTensor[]; entries: GgufEntry[] }> {
  const { nFfn } = await readVisionConfig(path);
  const file = await readGguf(path);
  const { blockSize } = ggmlTypeByName(baseType(outtype))!;
  const nPadded = canPad(file.tensors, nFfn) ? Math.ceil(nFfn / blockSize) * blockSize : nFfn;
  const tensors = file.tensors.map((source) => {
    const shape = padded(source, nFfn, nPadded);
    const type = matrixType({ ...source, shape }, baseType(outtype));
    return { name: source.name, shape, type, source: { ...source, file: path } };
  });
  if (nPadded === nFfn) return { tensors, entries: [] };
  const range = { min: 1, max: nFfn, fallback: nFfn };
  const original = ggufInteger(file, 'llavaov.ffn_length', range);
  return {
    tensors,
    entries: [
      { key: 'clip.vision.feed_forward_length', type: 'u32', value: nPadded },
      { key: 'llavaov.ffn_length', type: 'u32', value: original },
    ],
  };
}

/** Zeros can be put between numbers, not into blocks; files with exchanged names (see vision-tensors.ts) are left alone. */
function canPad(tensors: GgufTensor[], nFfn: number): boolean {
  const matrices = tensors.filter(({ name }) => /\.ffn_(up|down)\.weight$/.test(name));
  return matrices.every(
    ({ name, shape, type }) =>
      ggmlTypeByName(type)!.blockSize === 1 && shape[name.includes('up') ? 1 : 0] === nFfn,
  );
}

function padded({ name, shape }: GgufTensor, nFfn: number, nPadded: number): number[] {
  if (nPadded === nFfn) return shape;
  if (/\.ffn_up\.(weight|bias)$/.test(name)) return [...shape.slice(0, -1), nPadded];
  return name.endsWith('.ffn_down.weight') ? [nPadded, shape[1]!] : shape;
}

/** Everything that is not multiplied as it is stored keeps its type. */
function matrixType({ name, shape, type }: GgufTensor, wanted: string): string {
  if (shape.length !== 2 || name === 'v.position_embd.weight') return type;
  return shape[0]! % ggmlTypeByName(wanted)!.blockSize === 0 ? wanted : 'f16';
}
