/** What `convert` was given: a folder; or, where there is none of that name, a repository of the hub, which is pulled. */
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { checkAdapterFiles, isLoraFolder } from '../../convert/lora-config.js';
import { LlavaError } from '../../errors.js';
import type { PullResult } from '../../hub/pull.js';
import { looksLikeRepo, parseRepo } from '../../hub/repo-id.js';
import { isAdapterList } from '../../hub/select-files.js';
import type { CheckpointSource } from '../../hub/snapshot-source.js';
import { pullWithBars } from '../pull.js';

export interface FoundCheckpoint {
  isLora: boolean;
  /** Name of a repository. */
  name?: string;
  /** Downloads a repository. */
  fetch(): Promise<CheckpointFolder>;
}

export interface CheckpointFolder {
  folder: string;
  /** Where a repository came from. */
  source?: CheckpointSource;
}

/** Downloads nothing yet. @param command that has the options --revision and --text-only */
export async function findCheckpoint(argument: string, command: Command): Promise<FoundCheckpoint> {
  const { revision, textOnly } = command.opts<{ revision?: string; textOnly?: true }>();
  const isThere = await stat(argument).catch(() => undefined);
  if (!isThere && isAddress(argument)) parseRepo(argument); // says what addresses there are
  if (isThere || !looksLikeRepo(argument)) {
    if (revision !== undefined)
      command.error("error: option '--revision <revision>' is for repositories of the hub");
    return { isLora: await isLoraFolder(argument), fetch: async () => ({ folder: argument }) };
  }
  const pull = (options: { revision?: string; dryRun?: true }): Promise<PullResult> =>
    pullWithBars(argument, options, command).catch((error) => {
      throw error instanceof LlavaError ? noFolder(argument, error) : error;
    });
  const named = revision === undefined ? {} : { revision };
  const { repo, files } = await pull({ ...named, dryRun: true });
  const isLora = isAdapterList(files);
  const names = files.map(({ path }) => path);
  if (isLora) checkAdapterFiles(repo, names, textOnly === true);
  return {
    isLora,
    name: repo.split('/')[1]!,
    fetch: async () => {
      const { path, commit } = await pull(named);
      return { folder: path, source: { repo, commit } };
    },
  };
}

function isAddress(argument: string): boolean {
  return /^https?:\/\//i.test(argument);
}

/** Who mistyped a folder is told so too. */
function noFolder(argument: string, error: LlavaError): LlavaError {
  const { code, message } = error;
  if (isAddress(argument)) return error;
  return new LlavaError(code, `There is no folder ${argument}. On the hub: ${message}`, {
    ...error,
  });
}
