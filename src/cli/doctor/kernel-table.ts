/** What `doctor --kernels` prints: whose kernel multiplies rows by a matrix of each type, on this CPU. */
import type { NativeKernels } from '../../binding.js';

/** Where a decoder's weights stay repacked: llama.cpp's tokens are faster so. */
const REPACKING = 'NEON dotprod';
const REPACKED =
  'What llama.cpp repacks of a decoder (q8_0, q4_0, iq4_nl, q4_K, q5_K, q6_K) it multiplies itself.';

export function describeKernels({
  instructionSet,
  types,
}: Pick<NativeKernels, 'instructionSet' | 'types'>): string {
  if (instructionSet === null) return '';
  const rows = types.map(({ type, many, leastRows, few, one }) => [
    type,
    (few === null ? '' : `${few}, `) +
      (many === null ? 'llama.cpp' : `${many} from ${leastRows} rows`),
    one ?? 'llama.cpp',
  ]);
  const lines = [['Weights', 'Several rows', 'One row'], ...rows].map(([type, many, one]) =>
    `${type!.padEnd(16)} ${many!.padEnd(24)} ${one}`.trimEnd(),
  );
  const notes = [
    'Attention is ours in caches of f16 and q8_0, of f32 where flash attention is switched on; added up in f32.',
  ];
  if (instructionSet === REPACKING) notes.push(REPACKED);
  return `\n${lines.join('\n')}\n\n${notes.join('\n')}\n`;
}
