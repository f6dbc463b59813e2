/** `models`: what is converted and kept under a name; and taking it away. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { byteSize } from '../byte-size.js';
import { entryFiles, entryName, listModels, type ModelEntry } from '../models/model-cache.js';
import { isCurrent } from '../models/model-source.js';
import type { Unfinished } from '../models/unfinished.js';
import { nearest } from '../nearest.js';

const EXAMPLES = `
Examples:
  $ llava-onevision models
  $ llava-onevision models rm 7b-ov:q4_k_m
  $ llava-onevision models prune --older-than 30d

These are the converted files, in LLAVA_ONEVISION_CACHE or the cache folder of this system. Checkpoints in one file, and GGUF files of the
hub, lie in the cache of Python's huggingface_hub and are left alone: its own tools, or deleting their folder, make room there.`;

export function modelsCommand(): Command {
  const command = new Command('models')
    .description('list the models that were converted by their names')
    .option('--json', 'print the list as JSON')
    .addHelpText('after', EXAMPLES)
    .action(list);
  command
    .command('list')
    .alias('ls')
    .description('the same as models alone')
    .option('--json', 'print the list as JSON')
    .action((_: object, sub: Command) => list(sub.optsWithGlobals()));
  command
    .command('rm')
    .alias('remove')
    .description('delete models')
    .argument('<name...>', 'as the list shows them; without :TYPE all types of a model')
    .action(removeNamed);
  command
    .command('prune')
    .description('delete models that have not been used for a while')
    .addOption(
      new Option('--older-than <time>', 'since they were last used: 30d, 2w, 12h')
        .argParser(parseAge)
        .makeOptionMandatory(),
    )
    .action(prune);
  return command;
}

async function list({ json }: { json?: true }): Promise<void> {
  const { listUnfinished } = await import('../models/unfinished.js');
  const rows = (await listModels()).map(describe);
  const unfinished = await listUnfinished();
  if (json) {
    const all = [...rows, ...unfinished.map((one) => ({ ...one, isUnfinished: true }))];
    process.stdout.write(`${JSON.stringify(all)}\n`);
    return;
  }
  const lines = rows.map(({ name, bytes, source, lastUsed, isCurrent }) => [
    name,
    byteSize(bytes),
    dayOf(lastUsed),
    `${source}${isCurrent ? '' : ' (of an earlier converter; rm takes it away)'}`,
  ]);
  for (const { name, bytes, lastUsed } of unfinished)
    lines.push([name, byteSize(bytes), dayOf(lastUsed), 'half made; goes on when it is asked for']);
  const titles = ['Name', 'Size', 'Last used', 'Source'];
  if (lines.length > 0) process.stdout.write(table([titles, ...lines]));
  else
    process.stderr.write(
      'No models yet: llava-onevision run 0.5b-ov PICTURE "QUESTION" makes one.\n',
    );
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function describe(entry: ModelEntry) {
  const { type, bytes, origin, lastUsed } = entry;
  const { kind } = origin;
  return {
    name: `${entryName(entry)}:${type}`,
    type,
    bytes,
    source: kind === 'hub' ? `${origin.repo} at ${origin.commit.slice(0, 12)}` : kind,
    origin,
    lastUsed,
    isCurrent: isCurrent(entry),
    files: entryFiles(entry),
  };
}

async function removeNamed(words: string[], _: object, command: Command): Promise<void> {
  const { entriesNamed, unfinishedNamed } = await import('../models/remove-models.js');
  const { listUnfinished } = await import('../models/unfinished.js');
  const [entries, all] = [await listModels(), await listUnfinished()];
  const known = [
    ...entries.map((entry) => `${entryName(entry)}:${entry.type}`),
    ...all.map(({ name }) => name),
  ];
  const chosen = words.map((word) => {
    const found = { made: entriesNamed(word, entries), half: unfinishedNamed(word, all) };
    const isKnown = found.made.length + found.half.length > 0;
    return isKnown ? found : complain(word, known, command);
  });
  const made = new Set(chosen.flatMap((found) => found.made));
  await removeAll([...made], [...new Set(chosen.flatMap((found) => found.half))]);
}

function complain(word: string, names: string[], command: Command): never {
  const known = names.flatMap((name) => [name, name.replace(/:\w+$/, '')]);
  const meant = nearest(word, known);
  const hint = meant ? ` (Did you mean ${meant}?)` : '';
  return command.error(
    `error: there is no model ${word}${hint}; llava-onevision models lists them`,
  );
}

async function prune({ olderThan }: { olderThan: number }): Promise<void> {
  const before = Date.now() - olderThan;
  const { listUnfinished } = await import('../models/unfinished.js');
  const isOld = ({ lastUsed }: { lastUsed: Date }) => lastUsed.getTime() < before;
  await removeAll((await listModels()).filter(isOld), (await listUnfinished()).filter(isOld));
}

async function removeAll(entries: ModelEntry[], unfinished: Unfinished[]): Promise<void> {
  const { removeModels, tidyModels } = await import('../models/remove-models.js');
  const { removeUnfinished } = await import('../models/unfinished.js');
  const removed = await removeUnfinished(unfinished);
  const sizes = [
    ...removed.map(({ bytes }) => bytes),
    await removeModels(entries),
    await tidyModels(),
  ];
  for (const entry of entries) process.stdout.write(`${entryName(entry)}:${entry.type} deleted\n`);
  for (const { name } of removed) process.stdout.write(`${name} deleted, which was half made\n`);
  process.stderr.write(`${byteSize(sizes.reduce((sum, bytes) => sum + bytes))} are free again\n`);
}

const HOURS = { h: 1, d: 24, w: 24 * 7 };

/** @returns milliseconds */
function parseAge(text: string): number {
  const [, count, unit] = /^(\d{1,6})([hdw])$/i.exec(text) ?? [];
  if (!count || !unit) throw new InvalidArgumentError('Expected a time such as 30d, 2w or 12h.');
  return Number(count) * HOURS[unit.toLowerCase() as keyof typeof HOURS] * 3_600_000;
}

function table(rows: string[][]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const line = (row: string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}
