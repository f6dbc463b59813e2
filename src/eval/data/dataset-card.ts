/** What the head of a dataset's README.md says about where the tables of a config and split are. */
import { join } from 'node:path';
import { readText } from '../../files/read-whole.js';
import type { DataPart } from '../benchmark.js';

/** @returns patterns below the folder; none when the card is missing or says nothing */
export async function readDataFiles(folder: string, part: DataPart): Promise<string[]> {
  const text = await readText(join(folder, 'README.md')).catch(() => '');
  const head = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? '';
  const patterns: string[] = [];
  let config = '';
  let split = '';
  // Only the list that the hub's own tools write is read: config_name, then split and path of each split.
  for (const line of head.split(/\r?\n/)) {
    const [, key, raw = ''] = /^[\s-]*(config_name|split|path):\s*(.*?)\s*$/.exec(line) ?? [];
    const value = raw.replace(/^(['"])(.*)\1$/, '$2');
    if (key === 'config_name') config = value;
    else if (key === 'split') split = value;
    else if (key === 'path' && value !== '' && split === part.split)
      if (part.config === undefined || config === part.config)
        patterns.push(value.endsWith('*') ? `${value}.parquet` : value);
  }
  return patterns;
}
