/** One file of a repository into its blob: from where an earlier try stopped, compared with its hash before it gets its name. */
import { LlavaError } from '../errors.js';
import type { HubConnection, HubResponse } from './connection.js';
import { networkError, nonsenseError } from './hub-error.js';
import { PartialFile } from './partial-file.js';
import type { RepoFile } from './repository.js';
import { withRetries } from './retry.js';

export interface Download {
  connection: HubConnection;
  file: RepoFile;
  /** Where its bytes are asked for. */
  address: string;
  /** Where they go. */
  blob: string;
}

export interface DownloadOptions {
  /** @param bytes that are there, of this file */
  onBytes?: (bytes: number, note?: string) => void;
  signal?: AbortSignal;
}

const ATTEMPTS = 6;

/** @throws ERR_HUB_*, ERR_DISK_FULL, ERR_WRITE, signal.reason; then what was downloaded is kept for the next time,
 *  unless its hash was wrong */
export async function downloadFile(
  download: Download,
  options: DownloadOptions = {},
): Promise<void> {
  // What an earlier process left may be damaged, or written to by another: then once more from the beginning.
  while ((await tryOnce(download, options)) === 'was damaged') options.onBytes?.(0);
}

async function tryOnce(
  download: Download,
  { onBytes = () => {}, signal }: DownloadOptions,
): Promise<'done' | 'was damaged'> {
  const options = { onBytes, ...(signal && { signal }) };
  const partial = await PartialFile.claim(download.file, download.blob, options);
  if (!partial) return 'done';
  const isResumed = partial.size > 0;
  onBytes(partial.size);
  try {
    await withRetries(() => fetchRest(download, partial, options), {
      ...options,
      attempts: ATTEMPTS,
      gained: () => partial.size,
      onWait: (ms) => onBytes(partial.size, `again in ${Math.ceil(ms / 1000)} s`),
    });
    const etag = await partial.digest(options);
    if (etag === download.file.etag) {
      await partial.finish();
      return 'done';
    }
    await partial.discard();
    if (isResumed) return 'was damaged';
    throw wrongHash(download, etag);
  } catch (error) {
    await partial.park().catch(() => {});
    throw error;
  }
}

async function fetchRest(
  { connection, file, address }: Download,
  partial: PartialFile,
  { onBytes, signal }: DownloadOptions,
): Promise<void> {
  // Also of an empty file: the hub is not asked.
  if (partial.size === file.size) return;
  const range = partial.size > 0 ? { headers: { range: `bytes=${partial.size}-` } } : {};
  const request = { ...range, file: file.path, ...(signal && { signal }) };
  const response = await connection.get(address, request);
  try {
    await checkAnswer(response, file, { partial, connection });
    for await (const bytes of response.body as AsyncIterable<Buffer>) {
      if (partial.size + bytes.length > file.size)
        throw nonsenseError(
          `${file.path} is longer than ${file.size} bytes`,
          connection.asked(file.path),
        );
      await partial.append(bytes);
      onBytes?.(partial.size);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof LlavaError ? error : networkError(error, connection.asked(file.path));
  } finally {
    response.body.destroy();
  }
  if (partial.size < file.size)
    throw networkError(new Error('it ended early'), connection.asked(file.path));
}

/** That it is the same file, and the part of it that was asked for; a whole file for a part is taken from its beginning. */
async function checkAnswer(
  { status, headers, hubHeaders }: HubResponse,
  file: RepoFile,
  { partial, connection }: { partial: PartialFile; connection: HubConnection },
): Promise<void> {
  const own = hubHeaders['x-repo-commit'] === undefined ? undefined : hubHeaders.etag;
  const etag = hash(hubHeaders['x-linked-etag'] ?? own);
  if (etag?.length === file.etag.length && etag !== file.etag)
    throw new LlavaError(
      'ERR_HUB_CHECKSUM',
      `${file.path} of ${connection.repo.repo} has changed on the hub: its hash was ${file.etag} and is ${etag}. Pull again.`,
      { file: file.path, expected: file.etag, actual: etag },
    );
  if (status === 200) {
    if (partial.size > 0) await partial.empty();
    return;
  }
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  if (status === 206 && Number(start) === partial.size && Number(total) === file.size) return;
  const what = `status ${status} and range '${headers['content-range']}' for the bytes from ${partial.size} of ${file.size}`;
  await partial.empty();
  throw nonsenseError(what, connection.asked(file.path), { retryable: true });
}

/** The hash in a header such as W/"abc"; mirrors and storages put other things there. */
function hash(etag: unknown): string | undefined {
  return /^(?:W\/)?"?([0-9a-f]{40}|[0-9a-f]{64})"?$/.exec(String(etag))?.[1];
}

function wrongHash({ file, connection }: Download, actual: string): LlavaError {
  return new LlavaError(
    'ERR_HUB_CHECKSUM',
    `${file.path} of ${connection.repo.repo} arrived damaged: its hash is ${actual} instead of ${file.etag}. It was deleted; pull again.`,
    { file: file.path, expected: file.etag, actual },
  );
}
