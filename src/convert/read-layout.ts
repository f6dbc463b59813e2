/** A checkpoint's tensors by their names in GGUF files, and what its configuration says in the form of every layout. */
import type { Checkpoint } from './checkpoint.js';
import { findLayout, type Layout, type NamedTensors, nameTensors } from './layouts.js';
import { checkTensorKinds, POOLING_HEAD } from './left-out.js';
import type { ModelConfig } from './model-config.js';

export interface ReadLayout {
  layout: Layout;
  named: NamedTensors;
  config: ModelConfig;
}

/** @throws ERR_CHECKPOINT */
export async function readLayout(checkpoint: Checkpoint): Promise<ReadLayout> {
  const layout = findLayout(checkpoint.config);
  checkTensorKinds(checkpoint.tensors.values());
  const named = nameTensors(layout, checkpoint.tensors.values());
  const config = await layout.readConfig(checkpoint, {
    hasHead: named.decoder.has('output.weight'),
    hasPoolingHead: named.unknown.some(({ name }) => POOLING_HEAD.test(name)),
  });
  return { layout, named, config };
}
