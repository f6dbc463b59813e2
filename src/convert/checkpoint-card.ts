/** The YAML header of a checkpoint's README.md: single-line fields, and lists in either notation. */
import { join } from 'node:path';
import { readTextFileIfAny } from './json-file.js';

export interface CheckpointCard {
  license?: string;
  licenseName?: string;
  licenseLink?: string;
  /** Repository ids, "owner/name". */
  baseModels: string[];
  datasets: string[];
  languages: string[];
  tags: string[];
}

const ITEM = /^[\w.+-]{1,64}$/;
const REPOSITORY = /^[\w.-]+\/[\w.-]+$/;

/** A folder without a README has an empty card. @throws ERR_CHECKPOINT when it cannot be read */
export async function readCheckpointCard(folder: string): Promise<CheckpointCard> {
  const text = await readTextFileIfAny(join(folder, 'README.md'));
  const header = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text ?? '')?.[1] ?? '';
  const named = {
    license: single(header, 'license', ITEM),
    licenseName: single(header, 'license_name', ITEM),
    licenseLink: single(header, 'license_link', /^https?:\/\/\S{1,500}$/),
  };
  return {
    ...(Object.fromEntries(Object.entries(named).filter(([, value]) => value)) as typeof named),
    baseModels: list(header, 'base_model', REPOSITORY),
    datasets: list(header, 'datasets', REPOSITORY),
    languages: list(header, 'language', ITEM),
    tags: list(header, 'tags', ITEM),
  } as CheckpointCard;
}

function single(header: string, key: string, form: RegExp): string | undefined {
  return list(header, key, form)[0];
}

/** What does not have the form is left out. */
function list(header: string, key: string, form: RegExp): string[] {
  const field = new RegExp(`^${key}:[ \\t]*(.*?)\\r?\\n((?:[ \\t]*-[ \\t].*\\r?\\n?)*)`, 'm');
  const [, inline = '', items = ''] = field.exec(`${header}\n`) ?? [];
  const listed = items.split('\n').map((line) => line.replace(/^\s*-\s*/, ''));
  return [...inline.replace(/[[\]]/g, '').split(','), ...listed]
    .map((item) => item.trim().replace(/^(["'])(.*)\1$/, '$2'))
    .filter((item) => form.test(item));
}
