/**
 * Where a dataset lies. `--data` names the dataset's own folder, or one above several: DIR/owner/name, DIR/name, or a hub
 * cache (DIR/datasets--owner--name/snapshots/…). Within it the tables of a config and split are where the dataset's card
 * (README.md) says, or where the hub's tools put them.
 */
import { join } from 'node:path';
import { LlavaError } from '../../errors.js';
import type { DataPart, DataSource } from '../benchmark.js';
import { dataError } from './data-error.js';
import { readDataFiles } from './dataset-card.js';
import { findFiles, isFolder, namesIn } from './find-files.js';
import { TABLE_TYPES } from './table.js';

export interface FoundPart {
  part: DataPart;
  folder: string;
  /** Paths of its shards, in order. */
  tables: string[];
}

/** @throws ERR_EVAL_DATA naming the files that are wanted and where they come from */
export async function findPart(
  dir: string,
  source: DataSource,
  part: DataPart,
): Promise<FoundPart> {
  if (!(await isFolder(dir))) throw dataError(dir, 'there is no such folder');
  for (const folder of await datasetFolders(dir, source.repos)) {
    for (const pattern of await patternsOf(folder, part)) {
      const found = (await findFiles(folder, pattern)).filter(isTable);
      if (found.length === 0) continue;
      checkShards(found);
      return { part, folder, tables: found };
    }
  }
  throw new LlavaError('ERR_EVAL_DATA', missing(dir, source, part), { path: dir });
}

/** What a part needs, for people: 'data/test-*.parquet'. */
export function wantedTables({ tables, config, split }: DataPart): string {
  return tables?.join(', ') ?? usualTables(config, split)[0]!;
}

async function datasetFolders(dir: string, repos: readonly string[]): Promise<string[]> {
  const folders: string[] = [];
  for (const repo of repos) {
    const snapshots = join(dir, `datasets--${repo.replace('/', '--')}`, 'snapshots');
    folders.push(join(dir, repo), join(dir, repo.split('/')[1]!));
    for (const snapshot of await namesIn(snapshots)) folders.push(join(snapshots, snapshot));
  }
  folders.push(dir);
  const exist = await Promise.all(folders.map(isFolder));
  return folders.filter((_, i) => exist[i]);
}

async function patternsOf(folder: string, part: DataPart): Promise<string[]> {
  if (part.tables) return [...part.tables];
  return [...(await readDataFiles(folder, part)), ...usualTables(part.config, part.split)];
}

function usualTables(config: string | undefined, split: string): string[] {
  const places = config === undefined ? ['data', '.', 'default'] : [config, `data/${config}`];
  const parquet = places.flatMap((place) => [
    `${place}/${split}-*.parquet`,
    `${place}/${split}/*.parquet`,
    `${place}/${split}.parquet`,
  ]);
  const lines = [...places.map((place) => `${place}/${split}`), ...(config ? [config] : [])];
  const text = lines.flatMap((name) => [`${name}.jsonl`, `${name}.json`]);
  return [...parquet, ...text, `${split}/metadata.jsonl`].map((path) => path.replace(/^\.\//, ''));
}

function isTable(path: string): boolean {
  return TABLE_TYPES.some((type) => path.endsWith(type));
}

/** Half a dataset would give a score of half a dataset. */
function checkShards(paths: readonly string[]): void {
  const count = /-of-(\d{5})/.exec(paths[0]!)?.[1];
  if (count === undefined || paths.length === Number(count)) return;
  throw dataError(
    paths[0]!,
    `${paths.length} of its ${Number(count)} shards are there; the others are missing`,
  );
}

function missing(dir: string, source: DataSource, part: DataPart): string {
  const [repo, ...others] = source.repos;
  const also = others.length > 0 ? ` (or ${others.join(', ')})` : '';
  const files = [wantedTables(part), ...(source.files ?? [])].join(', ');
  const note = source.note ? ` Note: ${source.note}.` : '';
  return (
    `Found no data of ${part.config ? `config ${part.config}, ` : ''}split ${part.split} below ${dir}. ` +
    `Expected ${files} of the dataset ${repo}${also}, in that folder or in ${repo} below it.${note}`
  );
}
