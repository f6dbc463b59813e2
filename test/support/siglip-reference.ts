/** The SigLIP tower and its projector in f64, written for reading: what the native tower is held against. */
import { randomNormal } from './random.js';

export interface TowerSizes {
  imageSize: number;
  patchSize: number;
  nEmbd: number;
  nFfn: number;
  nHead: number;
  nLayer: number;
  nProjection: number;
}

export const NORMALIZATION = { mean: [0.5, 0.4, 0.3], std: [0.5, 0.6, 0.7], epsilon: 1e-6 };

/** In GGUF order, fastest dimension first. */
export interface TowerTensor {
  name: string;
  shape: number[];
  data: Float32Array;
}

export function patchesOf({ imageSize, patchSize }: TowerSizes): number {
  return Math.floor(imageSize / patchSize) ** 2;
}

/** Weights whose activations stay near 1. */
export function randomTower(sizes: TowerSizes, seed = 1): TowerTensor[] {
  const { patchSize, nEmbd, nFfn, nLayer, nProjection } = sizes;
  const normal = randomNormal(seed);
  const tensor = (name: string, shape: number[], scale: number, offset = 0): TowerTensor => {
    const length = shape.reduce((a, b) => a * b, 1);
    return { name, shape, data: Float32Array.from({ length }, () => offset + scale * normal()) };
  };
  const linear = (name: string, nIn: number, nOut: number) => [
    tensor(`${name}.weight`, [nIn, nOut], nIn ** -0.5),
    tensor(`${name}.bias`, [nOut], 0.2),
  ];
  const norm = (name: string) => [
    tensor(`${name}.weight`, [nEmbd], 0.2, 1),
    tensor(`${name}.bias`, [nEmbd], 0.2),
  ];
  const block = (name: string) => [
    ...norm(`${name}.ln1`),
    ...['attn_q', 'attn_k', 'attn_v', 'attn_out'].flatMap((part) =>
      linear(`${name}.${part}`, nEmbd, nEmbd),
    ),
    ...norm(`${name}.ln2`),
    ...linear(`${name}.ffn_up`, nEmbd, nFfn),
    ...linear(`${name}.ffn_down`, nFfn, nEmbd),
  ];
  return [
    tensor('v.patch_embd.weight', [patchSize, patchSize, 3, nEmbd], 1 / patchSize),
    tensor('v.patch_embd.bias', [nEmbd], 0.2),
    tensor('v.position_embd.weight', [nEmbd, patchesOf(sizes)], 0.5),
    ...Array.from({ length: nLayer }, (_, i) => block(`v.blk.${i}`)).flat(),
    ...linear('mm.0', nEmbd, nProjection),
    ...linear('mm.2', nProjection, nProjection),
    tensor('v.image_newline', [nProjection], 1),
  ];
}

type Matrix = number[][];

const erf = (x: number) => {
  // Its power series; the arguments here stay small.
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 && n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};
const geluExact = (x: number) =>
  Math.abs(x) > 6 ? Math.max(x, 0) : 0.5 * x * (1 + erf(x / Math.SQRT2));
const geluTanh = (x: number) =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const add = (a: Matrix, b: Matrix) => a.map((row, i) => row.map((value, c) => value + b[i]![c]!));

/** @param tile RGB [imageSize, imageSize, 3] @returns [patches, nProjection] */
export function referenceRows(
  sizes: TowerSizes,
  tensors: TowerTensor[],
  tile: Uint8Array,
): Float32Array {
  const byName = new Map(tensors.map(({ name, data }) => [name, data]));
  const linear = (x: Matrix, name: string): Matrix => {
    const weight = byName.get(`${name}.weight`)!;
    const bias = byName.get(`${name}.bias`)!;
    return x.map((row) =>
      Array.from(bias, (b, out) =>
        row.reduce((sum, value, i) => sum + value * weight[out * row.length + i]!, b),
      ),
    );
  };
  const norm = (x: Matrix, name: string): Matrix => x.map((row) => layerNorm(row, byName, name));
  let x = linear(patchPixels(sizes, tile), 'v.patch_embd');
  const position = byName.get('v.position_embd.weight')!;
  x = x.map((row, patch) => row.map((value, c) => value + position[patch * sizes.nEmbd + c]!));
  for (let i = 0; i < sizes.nLayer; i++) {
    const block = `v.blk.${i}`;
    const normed = norm(x, `${block}.ln1`);
    const [q, k, v] = ['q', 'k', 'v'].map((part) => linear(normed, `${block}.attn_${part}`));
    x = add(x, linear(attention(q!, k!, v!, sizes.nHead), `${block}.attn_out`));
    const hidden = linear(norm(x, `${block}.ln2`), `${block}.ffn_up`);
    x = add(
      x,
      linear(
        hidden.map((row) => row.map(geluTanh)),
        `${block}.ffn_down`,
      ),
    );
  }
  const projected = linear(
    linear(x, 'mm.0').map((row) => row.map(geluExact)),
    'mm.2',
  );
  return Float32Array.from(projected.flat());
}

function patchPixels({ imageSize, patchSize }: TowerSizes, tile: Uint8Array): Matrix {
  const side = Math.floor(imageSize / patchSize);
  return Array.from({ length: side * side }, (_, patch) => {
    const [top, left] = [Math.floor(patch / side) * patchSize, (patch % side) * patchSize];
    return Array.from({ length: 3 * patchSize * patchSize }, (_, i) => {
      const channel = Math.floor(i / patchSize ** 2);
      const y = top + (Math.floor(i / patchSize) % patchSize);
      const x = left + (i % patchSize);
      const value = tile[(y * imageSize + x) * 3 + channel]! / 255;
      return (value - NORMALIZATION.mean[channel]!) / NORMALIZATION.std[channel]!;
    });
  });
}

function layerNorm(row: number[], byName: Map<string, Float32Array>, name: string): number[] {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  const scale = 1 / Math.sqrt(variance + NORMALIZATION.epsilon);
  const [weight, bias] = [byName.get(`${name}.weight`)!, byName.get(`${name}.bias`)!];
  return row.map((value, c) => (value - mean) * scale * weight[c]! + bias[c]!);
}

function attention(q: Matrix, k: Matrix, v: Matrix, nHead: number): Matrix {
  const dim = q[0]!.length / nHead;
  const out = q.map((row) => row.map(() => 0));
  for (let head = 0; head < nHead; head++) {
    const columns = Array.from({ length: dim }, (_, i) => head * dim + i);
    q.forEach((query, i) => {
      const scores = k.map(
        (key) => columns.reduce((sum, c) => sum + query[c]! * key[c]!, 0) / Math.sqrt(dim),
      );
      const top = Math.max(...scores);
      const shares = scores.map((score) => Math.exp(score - top));
      const total = shares.reduce((sum, share) => sum + share, 0);
      for (const c of columns)
        out[i]![c] = shares.reduce((sum, share, j) => sum + share * v[j]![c]!, 0) / total;
    });
  }
  return out;
}
