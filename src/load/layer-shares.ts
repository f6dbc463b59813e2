/**
 * Which GPU each layer goes to, as llama.cpp v0.5.0 decides it (src/llama-model.cpp, `load_tensors`): the output matrix
 * counts as one more layer behind the last, the last `gpuLayers` of all go to GPUs, and each GPU gets its share of them in
 * order. In f32, as there, so that a layer on the boundary falls to the same side.
 */

/** @param shares one for each GPU, in any unit, not all 0 @returns the layers of each; `nLayer` is the output matrix */
export function assignLayers(
  nLayer: number,
  gpuLayers: number,
  shares: readonly number[],
): number[][] {
  const assigned = shares.map((): number[] => []);
  const count = Math.min(gpuLayers, nLayer + 1);
  const limits = cumulate(shares);
  for (let i = 0; i < count; i++) {
    const at = Math.fround(i / count);
    const gpu = limits.findIndex((limit) => limit > at);
    assigned[gpu]?.push(nLayer + 1 - count + i);
  }
  return assigned;
}

function cumulate(shares: readonly number[]): number[] {
  let sum = 0;
  const sums = shares.map((share) => {
    sum = Math.fround(sum + Math.fround(share));
    return sum;
  });
  return sums.map((limit) => Math.fround(limit / sum));
}
