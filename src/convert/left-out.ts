/**
 * What a checkpoint stores and its files do not get: as notes where it is known to be unused; anything else was trained, and
 * a model without it would answer differently, so it is refused, with what to do where the kind is known.
 */
import type { LlavaError } from '../errors.js';
import { checkpointError } from './checkpoint-error.js';
import type { GgufPlan } from './gguf-plan.js';
import type { NamedTensors } from './layouts.js';
import type { SafetensorsTensor } from './safetensors.js';

export const POOLING_HEAD = /\bvision_(model|tower)\.head\./;
/** Stored by some releases, used by none. */
const KNOWN_UNUSED = [/\bpost_layernorm\./, POOLING_HEAD, /position_ids$/, /rotary_emb\.inv_freq$/];
const TOWER_BLOCK = /^v\.blk\.\d+(?=\.)/;

const MERGE =
  'merge it first (in Python: `model = peft_model.merge_and_unload(); model.save_pretrained(...)`), ' +
  "or convert the base model and the adapter's own folder (the one with adapter_config.json) one by one";
const UNQUANTISED =
  'convert the checkpoint in f32, f16 or bf16 that it was made from; --outtype quantises it anew';

/** What other programs put into checkpoints, by the names they give it. */
const KINDS: readonly [name: RegExp, what: string, remedy: string][] = [
  [/\.lora_\w+(\.|$)|\.modules_to_save\./, 'a LoRA adapter beside the weights (lora_)', MERGE],
  [/\.base_layer\./, 'a model wrapped by PEFT (base_layer)', MERGE],
  [/\.(qweight|qzeros|g_idx|scales)$/, 'weights quantised by GPTQ or AWQ', UNQUANTISED],
  [
    /\.(absmax|quant_map|nested_absmax|nested_quant_map|SCB|weight_format)$|\.quant_state\./,
    'weights quantised by bitsandbytes',
    UNQUANTISED,
  ],
  [/_scale(_\w+)?$|_zero_point$/, 'weights quantised with scales (_scale)', UNQUANTISED],
];

/** To be asked before anything is planned, for these lack the weights as well. @throws ERR_CHECKPOINT */
export function checkTensorKinds(tensors: Iterable<SafetensorsTensor>): void {
  const all = [...tensors];
  for (const [name, what, remedy] of KINDS) {
    const found = all.filter((tensor) => name.test(tensor.name));
    if (found.length > 0) throw refusal(found, `${what}; ${remedy}.`);
  }
}

/** @throws ERR_CHECKPOINT for tensors that are not known to be unused. */
export function leftOutNotes(named: NamedTensors, plans: GgufPlan[]): string[] {
  const used = new Set(plans.flatMap(({ tensors }) => tensors.map(({ name }) => name)));
  const blockOf = (name: string) => TOWER_BLOCK.exec(name)?.[0];
  const usedBlocks = new Set([...used].map(blockOf));
  const notes: string[] = [];
  const blocks = new Set<string>();
  const surprising = named.unknown.filter(
    ({ name }) => !KNOWN_UNUSED.some((known) => known.test(name)),
  );
  for (const [name, tensor] of [...named.decoder, ...named.vision]) {
    if (used.has(name)) continue;
    const block = blockOf(name);
    if (name === 'output.weight')
      notes.push(`'${tensor.name}' is left out: the embedding matrix is the head.`);
    else if (block && !usedBlocks.has(block)) blocks.add(block);
    else surprising.push(tensor);
  }
  if (surprising.length > 0)
    throw refusal(
      surprising,
      'tensors that have no place in LLaVA-OneVision; without them the model would answer differently. ' +
        'Remove them from the checkpoint if they are not part of it.',
    );
  if (blocks.size > 0)
    notes.push(
      `blocks of the tower after the last one that the model runs are left out: ${[...blocks].join(', ')}.`,
    );
  return notes;
}

function refusal(found: readonly SafetensorsTensor[], what: string): LlavaError {
  const [first] = found as [SafetensorsTensor];
  const more = found.length > 1 ? ` and ${found.length - 1} more` : '';
  return checkpointError(first.file, `it holds ${what} Found: '${first.name}'${more}.`, {
    tensor: first.name,
  });
}
