/**
 * A folder of results:
 *   eval.json                     with whom and by which rules, and what was selected of each benchmark
 *   NAME/answers.jsonl            what was asked and answered (answers.ts)
 *   NAME/judge-requests.jsonl, judge-replies.jsonl, NAME/submission files
 *   report.json, report.md
 * One folder holds one model under one set of rules; a run into it goes on where the last one stopped.
 */
import { join } from 'node:path';
import { packageVersion } from '../addon/package-root.js';
import { LlavaError } from '../errors.js';
import { takeLock } from '../files/lock-file.js';
import { makeFolder } from '../files/make-folder.js';
import { readText } from '../files/read-whole.js';
import { writeError, writeWhole } from '../files/whole-file.js';
import type { Asker } from './asker.js';
import type { Rules } from './scorers/rules.js';
import type { Selection } from './select.js';

export interface Manifest {
  format: 1;
  /** Version of this package when the folder was made. */
  version: string;
  engine: Asker['identity'];
  /** The engine, for people. */
  label: string;
  rules: Rules;
  /** By name: how the last run selected, and how many samples of each row of the card. */
  benchmarks: Record<string, { selection: Selection; selected: Record<string, number> }>;
}

const FILE = 'eval.json';
const LOCK = 'eval.lock';

/** @throws ERR_EVAL_RESULTS */
export async function readManifest(dir: string): Promise<Manifest> {
  const path = join(dir, FILE);
  let manifest: Partial<Manifest>;
  try {
    manifest = JSON.parse(await readText(path));
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const problem = isMissing ? 'it has no eval.json' : (cause as Error).message;
    throw resultsError(dir, `expected a folder that eval run wrote, but ${problem}`, cause);
  }
  if (manifest.format !== 1 || !manifest.engine || !manifest.benchmarks)
    throw resultsError(dir, 'its eval.json is not of format 1');
  return manifest as Manifest;
}

/** Makes the folder, or checks that it belongs to the same model and rules. @throws ERR_EVAL_RESULTS, ERR_WRITE */
export async function openResults(
  dir: string,
  { identity: engine, label }: Pick<Asker, 'identity' | 'label'>,
  rules: Rules,
): Promise<Manifest> {
  const path = join(dir, FILE);
  const exists = await readText(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw resultsError(dir, error.message, error);
  });
  if (!exists) {
    await makeFolder(dir).catch((cause) => {
      throw writeError(dir, cause);
    });
    const version = packageVersion();
    const made: Manifest = { format: 1, version, engine, label, rules, benchmarks: {} };
    await writeManifest(dir, made);
    return made;
  }
  const manifest = await readManifest(dir);
  if (manifest.rules !== rules)
    throw resultsError(dir, `it was made by rules ${manifest.rules}, not ${rules}`);
  for (const key of new Set([...Object.keys(engine), ...Object.keys(manifest.engine)]))
    if (manifest.engine[key] !== engine[key])
      throw resultsError(
        dir,
        `it was made with another model or engine, ${manifest.label}: ${key} is ${manifest.engine[key] ?? 'absent'} there and ${engine[key] ?? 'absent'} now`,
      );
  return manifest;
}

export async function writeManifest(dir: string, manifest: Manifest): Promise<void> {
  await writeWhole(join(dir, FILE), `${JSON.stringify(manifest, null, 2)}\n`);
}

export function answersPath(dir: string, benchmark: string): string {
  return join(dir, benchmark, 'answers.jsonl');
}

/** Two runs into one folder would ask everything twice. @returns what ends the lock @throws ERR_EVAL_RESULTS, ERR_WRITE */
export function lockResults(dir: string): Promise<() => Promise<void>> {
  const problem = (pid: number) =>
    `process ${pid} is writing to it; if it is not, delete ${LOCK} there`;
  return takeLock(join(dir, LOCK), (pid) => resultsError(dir, problem(pid)));
}

export function resultsError(path: string, problem: string, cause?: unknown): LlavaError {
  return new LlavaError(
    'ERR_EVAL_RESULTS',
    `Cannot use the results in ${path}: ${problem}`,
    { path },
    cause === undefined ? undefined : { cause },
  );
}
