/** What a LoRA adapter in GGUF changes, and how much. */
import { readLoraFile } from '../../gguf/lora-file.js';
import { loraRanks } from '../../gguf/lora-targets.js';
import type { Kind } from './costs.js';

export interface LoraFacts {
  lora?: {
    /** 0: not scaled by rank. */
    alpha: number;
    /** Those that occur. */
    ranks: number[];
    matrices: number;
    /** Kinds of matrices, "attn_q". */
    kinds: string[];
  };
}

/** Nothing for a file that is no adapter, or one that cannot be loaded. */
export async function loraFacts({ path, metadata }: Kind): Promise<LoraFacts> {
  if (metadata['general.type'] !== 'adapter') return {};
  const file = await readLoraFile(path).catch(() => undefined);
  if (!file) return {};
  const kinds = file.pairs.map(({ name }) => name.replace(/^blk\.\d+\.|\.weight$/g, ''));
  return {
    lora: {
      alpha: file.alpha,
      ranks: loraRanks(file.pairs),
      matrices: file.pairs.length,
      kinds: [...new Set(kinds)],
    },
  };
}

export function loraLines({ lora }: LoraFacts): string[] {
  if (!lora) return [];
  const { alpha, ranks, matrices, kinds } = lora;
  return [
    `LoRA of rank ${ranks.join(', ')}, alpha ${Number(alpha.toPrecision(6))}, for ${matrices} matrices (${kinds.join(', ')})`,
  ];
}
