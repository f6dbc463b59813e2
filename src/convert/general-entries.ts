/** The `general.*` keys that every GGUF file has. @see ggml docs/gguf.md, gguf-py/gguf/constants.py (llama.cpp v0.5.0) */
import { join, resolve } from 'node:path';
import type { Checkpoint } from './checkpoint.js';
import { type GgufEntry, type PlannedTensor, sizeLabel } from './gguf-plan.js';
import { readTextFileIfAny } from './json-file.js';
import { fileType, type Outtype } from './outtypes.js';

/** ggml's GGML_QNT_VERSION: the layout of quantised blocks. */
export const QUANTIZATION_VERSION = 2;

export async function generalEntries(file: {
  checkpoint: Checkpoint;
  architecture: 'qwen2' | 'clip';
  type: 'model' | 'mmproj';
  name: string;
  outtype: Outtype;
  tensors: PlannedTensor[];
}): Promise<GgufEntry[]> {
  const { license, baseModels } = await readModelCard(file.checkpoint.path);
  const repository = sourceRepository(file.checkpoint.path);
  const texts: [key: string, value: string][] = [
    ['architecture', file.architecture],
    ['type', file.type],
    ['name', file.name],
    ['basename', file.name],
    ['size_label', sizeLabel(file.tensors)],
  ];
  if (license) texts.push(['license', license]);
  if (repository) texts.push(['source.repo_url', `https://huggingface.co/${repository}`]);
  return [
    ...texts.map(([key, value]): GgufEntry => ({ key: `general.${key}`, type: 'string', value })),
    ...baseModelEntries(baseModels),
    { key: 'general.file_type', type: 'u32', value: fileType(file.outtype) },
    { key: 'general.quantization_version', type: 'u32', value: QUANTIZATION_VERSION },
  ];
}

interface ModelCard {
  license?: string;
  /** Repository ids, "owner/name". */
  baseModels: string[];
}

/** The YAML header of README.md: single-line fields, and lists in either notation. */
async function readModelCard(folder: string): Promise<ModelCard> {
  const card = await readTextFileIfAny(join(folder, 'README.md'));
  const header = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card ?? '')?.[1] ?? '';
  const license = /^license:[ \t]*([\w.-]+)[ \t]*$/m.exec(header)?.[1];
  const [, inline = '', items = ''] =
    /^base_model:[ \t]*(.*?)\r?\n((?:[ \t]*-[ \t].*\r?\n?)*)/m.exec(`${header}\n`) ?? [];
  const listed = items.split('\n').map((line) => line.replace(/^\s*-\s*/, ''));
  const baseModels = [...inline.replace(/[[\]]/g, '').split(','), ...listed]
    .map((item) => item.trim().replace(/^(["'])(.*)\1$/, '$2'))
    .filter((item) => /^[\w.-]+\/[\w.-]+$/.test(item));
  return { ...(license && { license }), baseModels };
}

/** As llama.cpp's converter names them: "Qwen2 7B Instruct" of "Qwen". */
function baseModelEntries(baseModels: string[]): GgufEntry[] {
  if (baseModels.length === 0) return [];
  const texts = baseModels.flatMap((id, i): [string, string][] => {
    const [owner, name] = id.split('/') as [string, string];
    return [
      [`base_model.${i}.name`, name.replace(/[-_]/g, ' ')],
      [`base_model.${i}.organization`, owner],
      [`base_model.${i}.repo_url`, `https://huggingface.co/${id}`],
    ];
  });
  return [
    { key: 'general.base_model.count', type: 'u32', value: baseModels.length },
    ...texts.map(([key, value]): GgufEntry => ({ key: `general.${key}`, type: 'string', value })),
  ];
}

/** "owner/name" from the layout of the hub's own cache, `models--OWNER--NAME/snapshots/REVISION`. */
function sourceRepository(folder: string): string | undefined {
  const [, owner, name] =
    /(?:^|[\\/])models--([\w.-]+?)--([\w.-]+)[\\/]snapshots[\\/][^\\/]+[\\/]?$/.exec(
      resolve(folder),
    ) ?? [];
  return owner && name && `${owner}/${name}`;
}
