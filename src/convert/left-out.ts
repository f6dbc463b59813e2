/** What a checkpoint stores and its files do not get, as notes. */
import type { GgufPlan } from './gguf-plan.js';
import type { NamedTensors } from './layouts.js';

export const POOLING_HEAD = /\bvision_(model|tower)\.head\./;
/** Stored by some releases, used by none. */
const KNOWN_UNUSED = [/\bpost_layernorm\./, POOLING_HEAD, /position_ids$/, /rotary_emb\.inv_freq$/];
const TOWER_BLOCK = /^v\.blk\.\d+(?=\.)/;

export function leftOutNotes(named: NamedTensors, plans: GgufPlan[]): string[] {
  const used = new Set(plans.flatMap(({ tensors }) => tensors.map(({ name }) => name)));
  const blockOf = (name: string) => TOWER_BLOCK.exec(name)?.[0];
  const usedBlocks = new Set([...used].map(blockOf));
  const notes: string[] = [];
  const blocks = new Set<string>();
  const surprising = named.unknown.filter(
    (name) => !KNOWN_UNUSED.some((known) => known.test(name)),
  );
  for (const [name, tensor] of [...named.decoder, ...named.vision]) {
    if (used.has(name)) continue;
    const block = blockOf(name);
    if (name === 'output.weight')
      notes.push(`'${tensor.name}' is left out: the embedding matrix is the head.`);
    else if (block && !usedBlocks.has(block)) blocks.add(block);
    else surprising.push(tensor.name);
  }
  if (blocks.size > 0)
    notes.push(
      `blocks of the tower after the last one that the model runs are left out: ${[...blocks].join(', ')}.`,
    );
  if (surprising.length > 0)
    notes.push(
      `${surprising.length} tensors of the checkpoint have no place in the model: ${surprising.slice(0, 3).join(', ')}.`,
    );
  return notes;
}
