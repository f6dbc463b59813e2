/**
 * What a repository holds, by the hub's own client (@huggingface/hub), loaded when first needed. The client's requests go
 * through our connection: it would try nothing twice, and accepts only tokens that begin with "hf_". Its downloads are
 * not used: they start over after a cut, check no hash, and show no progress.
 */
import { LlavaError } from '../errors.js';
import type { HubConnection } from './connection.js';
import { isEtag } from './etag.js';
import { nonsenseError } from './hub-error.js';

export interface RepoFile {
  /** In the repository, with slashes. */
  path: string;
  size: number;
  /** Hash, and name of its blob in the cache. @see etagHash */
  etag: string;
}

/** @returns the 40 hex digits of the commit that the revision is now. @throws ERR_HUB_*, signal.reason */
export async function resolveCommit(
  connection: HubConnection,
  signal?: AbortSignal,
): Promise<string> {
  const { repo, revision } = connection.repo;
  const commit = await ask(connection, signal, async (hub, common) => {
    const info = await hub.modelInfo({
      ...common,
      name: repo,
      revision,
      additionalFields: ['sha'],
    });
    return info.sha;
  });
  if (!/^[0-9a-f]{40}$/.test(commit))
    throw nonsenseError(
      `expected a commit but it said '${String(commit).slice(0, 80)}'`,
      connection.asked(),
    );
  return commit;
}

/** All files of a commit. @throws ERR_HUB_*, signal.reason */
export async function listRepository(
  connection: HubConnection,
  commit: string,
  signal?: AbortSignal,
): Promise<RepoFile[]> {
  return ask(connection, signal, async (hub, common) => {
    const files: RepoFile[] = [];
    const { repo: name } = connection.repo;
    const repo = { type: 'model', name } as const;
    const entries = hub.listFiles({ ...common, repo, revision: commit, recursive: true });
    for await (const { type, path, size, oid, lfs } of entries) {
      if (type !== 'file') continue;
      const file = { path, size: lfs?.size ?? size, etag: lfs?.oid ?? oid ?? '' };
      if (!isSafe(file))
        throw nonsenseError(
          `no usable path, size and hash in ${JSON.stringify(file).slice(0, 300)}`,
          connection.asked(),
        );
      files.push(file);
    }
    return files;
  });
}

/** Where the bytes of a file are asked for. */
export function fileAddress(connection: HubConnection, commit: string, path: string): string {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return `${connection.settings.endpoint}/${connection.repo.repo}/resolve/${commit}/${encoded}`;
}

type Client = typeof import('@huggingface/hub');

async function ask<T>(
  connection: HubConnection,
  signal: AbortSignal | undefined,
  question: (hub: Client, common: { hubUrl: string; fetch: typeof fetch }) => Promise<T>,
): Promise<T> {
  const hub = await import('@huggingface/hub');
  const fetchByConnection = async (input: Parameters<typeof fetch>[0]) => {
    const request = { headers: { accept: 'application/json' }, ...(signal && { signal }) };
    const { status, headers, bytes } = await connection.read(String(input), request);
    const { link } = headers;
    return new Response(bytes, { status, ...(link && { headers: { link: String(link) } }) });
  };
  try {
    return await question(hub, { hubUrl: connection.settings.endpoint, fetch: fetchByConnection });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof LlavaError) throw error;
    throw nonsenseError((error as Error).message, connection.asked(), { cause: error });
  }
}

/** Paths become paths of ours, on any system, and hashes become names of files. */
function isSafe({ path, size, etag }: RepoFile): boolean {
  return (
    typeof path === 'string' &&
    !/[\\:\p{Cc}]/u.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..') &&
    Number.isSafeInteger(size) &&
    size >= 0 &&
    isEtag(etag)
  );
}
