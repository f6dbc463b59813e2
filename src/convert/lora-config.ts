/**
 * What adapter_config.json says of a LoRA: ranks and scales of its modules. What a GGUF adapter cannot express is refused.
 * @see peft src/peft/tuners/lora/config.py `LoraConfig`, src/peft/utils/other.py `get_pattern_key`
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from '../option-checks.js';
import { checkpointError } from './checkpoint-error.js';
import {
  type JsonFile,
  jsonBoolean,
  jsonInteger,
  jsonNumber,
  readJsonFile,
  wrongField,
} from './json-file.js';

export const MERGE_ADVICE =
  'Merge the adapter into its checkpoint with PEFT (merge_and_unload) and convert that.';

const CONFIG_FILE = 'adapter_config.json';
/** What LLaVA's training scripts write beside an adapter: trained weights that are no low-rank ones. */
const OTHER_WEIGHTS = 'non_lora_trainables.bin';

export interface LoraConfig {
  /** As it stands there: a repository or a folder. */
  baseModel: string | undefined;
  /** @param module its name in the model, "model.layers.0.mlp.up_proj" */
  rankOf(module: string): number;
  /** What the product of a module's matrices is multiplied by. */
  scaleOf(module: string): number;
}

/** Whether a folder is an adapter rather than a checkpoint. */
export async function isLoraFolder(path: string): Promise<boolean> {
  return (await stat(join(path, CONFIG_FILE)).catch(() => undefined)) !== undefined;
}

/** @param names of the files of a folder or repository @throws ERR_CHECKPOINT for weights that would be lost */
export function checkAdapterFiles(
  place: string,
  names: readonly string[],
  textOnly: boolean,
): void {
  if (!textOnly && names.includes(OTHER_WEIGHTS))
    throw checkpointError(
      join(place, OTHER_WEIGHTS),
      `it holds weights that were trained beside the adapter, such as the projector's, which a GGUF adapter cannot. ` +
        `${MERGE_ADVICE} Or convert the decoder's part alone (\`textOnly\`).`,
    );
}

/** @throws ERR_CHECKPOINT */
export async function readLoraConfig(folder: string): Promise<LoraConfig> {
  const file = await readJsonFile(join(folder, CONFIG_FILE));
  checkSupported(file);
  const rank = jsonInteger(file, 'r');
  const alpha = positive(file, 'lora_alpha');
  const ranks = readPatterns(file, 'rank_pattern', jsonInteger);
  const alphas = readPatterns(file, 'alpha_pattern', positive);
  const isStabilised = jsonBoolean(file, 'use_rslora', false);
  const rankOf = (module: string) => ranks(module) ?? rank;
  const { base_model_name_or_path: baseModel } = file.fields;
  return {
    baseModel: typeof baseModel === 'string' && baseModel !== '' ? baseModel : undefined,
    rankOf,
    scaleOf: (module) => {
      const r = rankOf(module);
      return (alphas(module) ?? alpha) / (isStabilised ? Math.sqrt(r) : r);
    },
  };
}

/** Fields that must not be set, and what they would add. */
const ADDITIONS: Record<string, string> = {
  use_dora: 'magnitudes of whole weights (DoRA)',
  lora_bias: 'biases of the low-rank matrices',
  use_qalora: 'pooling of their input (QALoRA)',
  fan_in_fan_out: 'transposed layers, which Qwen2 has none of',
  layer_replication: 'copies of layers',
  trainable_token_indices: 'trained embeddings of single tokens',
  target_parameters: 'changes of parameters that are no layers',
  alora_invocation_tokens: 'tokens after which it takes effect (aLoRA)',
};

/** With these the adapter is a change of other weights than those of the checkpoint. */
const CHANGED_BASE = /^(pissa|olora|corda|loftq|lora_ga)/i;
const HEADS = ['SEQ_CLS', 'TOKEN_CLS', 'QUESTION_ANS'];

function checkSupported(file: JsonFile): void {
  const { peft_type: type, bias, init_lora_weights: init, task_type: task } = file.fields;
  if (type !== 'LORA') throw wrongField(file, 'peft_type', "'LORA'");
  const refuse = (key: string, reason: string) =>
    checkpointError(file.path, `"${key}" is ${short(file.fields[key])}: ${reason}`);
  for (const [key, addition] of Object.entries(ADDITIONS))
    if (isSet(file.fields[key]))
      throw refuse(key, `${addition} have no place in a GGUF adapter. ${MERGE_ADVICE}`);
  if (isSet(bias) && bias !== 'none')
    throw refuse('bias', `trained biases have no place in a GGUF adapter. ${MERGE_ADVICE}`);
  if (typeof init === 'string' && CHANGED_BASE.test(init))
    throw refuse(
      'init_lora_weights',
      'that changed the weights of the base model too. Save the adapter with ' +
        'path_initial_model_for_weight_conversion, or merge it, and convert that.',
    );
  if (HEADS.some((name) => name === task))
    throw refuse('task_type', 'such a model has a head that does not answer in text.');
}

/** Everything that Python takes for false is unset. */
function isSet(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function short(value: unknown): string {
  return JSON.stringify(value).slice(0, 80);
}

function positive(file: JsonFile, key: string): number {
  const value = jsonNumber(file, key);
  const stored = Math.fround(value);
  if (!(stored > 0 && stored < Number.POSITIVE_INFINITY))
    throw wrongField(file, key, 'a positive number');
  return value;
}

/** Values by regular expressions that match the end of a module's name from a dot on; the first one counts. */
function readPatterns(
  file: JsonFile,
  section: string,
  read: (file: JsonFile, key: string) => number,
): (module: string) => number | undefined {
  const fields = file.fields[section] ?? {};
  if (!isRecord(fields)) throw wrongField(file, section, 'an object');
  const patterns = Object.keys(fields).map((key) => ({
    pattern: compile(file, section, key),
    value: read({ path: file.path, section, fields }, key),
  }));
  return (module) => patterns.find(({ pattern }) => pattern.test(module))?.value;
}

function compile(file: JsonFile, section: string, key: string): RegExp {
  try {
    return new RegExp(`^(?:.*\\.)?(?:${key})$`);
  } catch (cause) {
    const problem = `"${section}" has the pattern ${short(key)}, which cannot be read.`;
    throw checkpointError(file.path, problem, { cause });
  }
}
