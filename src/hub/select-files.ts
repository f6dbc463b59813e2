/** Which files of a repository to have: those the converter reads, those that patterns name, or all. */
import { LlavaError } from '../errors.js';
import { parseJson } from '../option-checks.js';
import { matchesAny } from './glob.js';

export interface FileChoice {
  /** Patterns; instead of what the converter reads. */
  include?: readonly string[];
  /** Patterns of what to leave out in any case. */
  exclude?: readonly string[];
  /** Every file. */
  all?: boolean;
}

export interface Selection<File> {
  files: File[];
  /** What the choice needs and the list lacks, for a sentence. */
  missing: string[];
}

export const WEIGHTS = 'model.safetensors';
export const WEIGHTS_INDEX = 'model.safetensors.index.json';
const ADAPTER_CONFIG = 'adapter_config.json';
const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** Read where they are there: configuration, tokenizer, image processor, prompt template, licence. */
const READ_BY_CONVERTER = new Set([
  'config.json',
  'generation_config.json',
  'README.md',
  'LICENSE',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
  'added_tokens.json',
  'special_tokens_map.json',
  'preprocessor_config.json',
  'processor_config.json',
  'video_preprocessor_config.json',
  'chat_template.json',
  'chat_template.jinja',
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  'non_lora_trainables.bin',
]);

/**
 * @param files of the repository, or of a snapshot
 * @param readIndex gives the text of `model.safetensors.index.json`, asked for when the weights are in shards
 */
export async function selectFiles<File extends { path: string }>(
  files: readonly File[],
  choice: FileChoice,
  readIndex: (file: File) => Promise<string>,
): Promise<Selection<File>> {
  const { include, exclude = [], all } = choice;
  if (all || include) {
    const kept = files.filter(
      ({ path }) => (!include || matchesAny(path, include)) && !matchesAny(path, exclude),
    );
    return { files: kept, missing: kept.length === 0 ? ['any file that was asked for'] : [] };
  }
  const byPath = new Map(files.map((file) => [file.path, file]));
  const isAdapter = isAdapterList(files);
  const weights = isAdapter ? [ADAPTER_WEIGHTS] : await weightFiles(byPath, readIndex);
  const wanted = (path: string) =>
    (READ_BY_CONVERTER.has(path) || weights.includes(path)) && !matchesAny(path, exclude);
  const isThere = (path: string) => byPath.has(path) || matchesAny(path, exclude);
  return {
    files: files.filter(({ path }) => wanted(path)),
    missing: [...(isAdapter ? [] : unfound(isThere)), ...weights.filter((path) => !isThere(path))],
  };
}

/** Whether files are a LoRA adapter's, which needs nothing but its two; trainers put a config.json beside them. */
export function isAdapterList(files: readonly { path: string }[]): boolean {
  const has = (name: string) => files.some(({ path }) => path === name);
  return has(ADAPTER_CONFIG) && !has(WEIGHTS) && !has(WEIGHTS_INDEX);
}

/** As the converter looks for them: one file, or the index and the shards it names. */
async function weightFiles<File>(
  byPath: ReadonlyMap<string, File>,
  readIndex: (file: File) => Promise<string>,
): Promise<string[]> {
  if (byPath.has(WEIGHTS)) return [WEIGHTS];
  const index = byPath.get(WEIGHTS_INDEX);
  if (!index) return [WEIGHTS];
  return [WEIGHTS_INDEX, ...shards(await readIndex(index))];
}

function shards(index: string): string[] {
  const weightMap = (parseJson(index) as { weight_map?: object } | null | undefined)?.weight_map;
  const names = Object.values(weightMap ?? {});
  if (names.length === 0 || !names.every((name) => typeof name === 'string'))
    throw new LlavaError(
      'ERR_CHECKPOINT',
      `Cannot use ${WEIGHTS_INDEX}: expected a "weight_map" from tensor names to file names.`,
      { path: WEIGHTS_INDEX },
    );
  return [...new Set(names as string[])];
}

function unfound(isThere: (path: string) => boolean): string[] {
  const hasTokenizer =
    isThere('tokenizer.json') || (isThere('vocab.json') && isThere('merges.txt'));
  return [
    ...(isThere('config.json') ? [] : ['config.json']),
    ...(hasTokenizer ? [] : ['tokenizer.json (or vocab.json with merges.txt)']),
  ];
}
