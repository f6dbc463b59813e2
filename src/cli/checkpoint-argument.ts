/** What `convert` was given: a folder; or, where there is none of that name, a repository of the hub, which is pulled. */
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { LlavaError } from '../errors.js';
import { looksLikeRepo } from '../hub/repo-id.js';
import { pullWithBars } from './pull.js';

export interface CheckpointSource {
  repo: string;
  commit: string;
}

export interface FoundCheckpoint {
  folder: string;
  /** Of a repository, as is `name`. */
  source?: CheckpointSource;
  name?: string;
}

/** @param command that has the option --revision */
export async function findCheckpoint(argument: string, command: Command): Promise<FoundCheckpoint> {
  const { revision } = command.opts<{ revision?: string }>();
  const isThere = await stat(argument).catch(() => undefined);
  if (isThere || !looksLikeRepo(argument)) {
    if (revision !== undefined)
      command.error("error: option '--revision <revision>' is for repositories of the hub");
    return { folder: argument };
  }
  const options = revision === undefined ? {} : { revision };
  const { path, repo, commit } = await pullWithBars(argument, options, command).catch((error) => {
    throw error instanceof LlavaError ? noFolder(argument, error) : error;
  });
  return { folder: path, source: { repo, commit }, name: repo.split('/')[1]! };
}

/** Who mistyped a folder is told so too. */
function noFolder(argument: string, error: LlavaError): LlavaError {
  const { code, message } = error;
  return new LlavaError(code, `There is no folder ${argument}. On the hub: ${message}`, {
    ...error,
  });
}
