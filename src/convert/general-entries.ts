/** The `general.*` keys that every GGUF file has. @see ggml docs/gguf.md, gguf-py/gguf/constants.py (llama.cpp v0.5.0) */
import type { CheckpointSource } from '../hub/snapshot-source.js';
import type { Checkpoint } from './checkpoint.js';
import { type CheckpointCard, readCheckpointCard } from './checkpoint-card.js';
import { type GgufEntry, type PlannedTensor, sizeLabel } from './gguf-plan.js';
import { fileType, type Outtype } from './outtypes.js';
import { UNKNOWN_DIGEST } from './source-digest.js';

/** ggml's GGML_QNT_VERSION: the layout of quantised blocks. */
export const QUANTIZATION_VERSION = 2;

export async function generalEntries(file: {
  checkpoint: Pick<Checkpoint, 'path'>;
  architecture: 'qwen2' | 'clip';
  type: 'model' | 'mmproj' | 'adapter';
  name: string;
  outtype: Outtype;
  tensors: PlannedTensor[];
  source?: CheckpointSource;
  /** "owner/name", where the card names none. */
  baseModel?: string;
}): Promise<GgufEntry[]> {
  const { checkpoint, name, baseModel, source } = file;
  const card = await readCheckpointCard(checkpoint.path);
  const baseModels = card.baseModels.length === 0 && baseModel ? [baseModel] : card.baseModels;
  return [
    text('architecture', file.architecture),
    text('type', file.type),
    UNKNOWN_DIGEST,
    text('name', name),
    ...nameEntries(name),
    text('size_label', sizeLabel(file.tensors)),
    ...licenseEntries(card),
    ...(source ? sourceEntries(source) : []),
    ...repositoryEntries('base_model', baseModels),
    ...repositoryEntries('dataset', card.datasets),
    ...texts('tags', card.tags),
    ...texts('languages', card.languages),
    { key: 'general.file_type', type: 'u32', value: fileType(file.outtype) },
    { key: 'general.quantization_version', type: 'u32', value: QUANTIZATION_VERSION },
  ];
}

function text(key: string, value: string): GgufEntry {
  return { key: `general.${key}`, type: 'string', value };
}

function texts(key: string, values: string[]): GgufEntry[] {
  return values.length === 0 ? [] : [{ key: `general.${key}`, type: 'string[]', value: values }];
}

/** "llava-onevision-qwen2-7b-ov-chat" is the fine-tune "ov-chat" of "llava-onevision-qwen2"; "-hf" names a layout. */
function nameEntries(name: string): GgufEntry[] {
  const [, base, finetune] = /^(.+?)-\d+(?:\.\d+)?[bBmM](?:-(.+?))?(?:-hf)?$/.exec(name) ?? [];
  return [text('basename', base ?? name), ...(finetune ? [text('finetune', finetune)] : [])];
}

function licenseEntries({ license, licenseName, licenseLink }: CheckpointCard): GgufEntry[] {
  return [
    ...(license ? [text('license', license)] : []),
    ...(licenseName ? [text('license.name', licenseName)] : []),
    ...(licenseLink ? [text('license.link', licenseLink)] : []),
  ];
}

function sourceEntries({ repo, commit }: CheckpointSource): GgufEntry[] {
  const url = `https://huggingface.co/${repo}`;
  return [
    text('organization', repo.split('/')[0]!),
    text('source.url', commit ? `${url}/tree/${commit}` : url),
    text('source.repo_url', url),
    text('source.huggingface.repository', repo),
  ];
}

/** As llama.cpp's converter names them: "Qwen2 7B Instruct" of "Qwen". */
function repositoryEntries(kind: 'base_model' | 'dataset', ids: string[]): GgufEntry[] {
  if (ids.length === 0) return [];
  return [
    { key: `general.${kind}.count`, type: 'u32', value: ids.length },
    ...ids.flatMap((id, i) => {
      const [owner, name] = id.split('/') as [string, string];
      const url = `https://huggingface.co/${kind === 'dataset' ? 'datasets/' : ''}${id}`;
      return [
        text(`${kind}.${i}.name`, name.replace(/[-_]/g, ' ')),
        text(`${kind}.${i}.organization`, owner),
        text(`${kind}.${i}.repo_url`, url),
      ];
    }),
  ];
}
