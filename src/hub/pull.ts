/**
 * A repository of the Hugging Face hub, or what the converter reads of it, into the hub's standard cache. What is there is
 * used, what is half there is completed, and nothing gets its name before its size and hash are the hub's.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachAtOnce } from '../at-once.js';
import { invalidArgument, LlavaError } from '../errors.js';
import { sha256File } from '../gguf/checksum-file.js';
import {
  aCount,
  aFlag,
  aFunction,
  aSignal,
  aText,
  checkTable,
  type OptionCheck,
} from '../option-table.js';
import { cachedSnapshot } from './cached-snapshot.js';
import { HubConnection } from './connection.js';
import { checkDiskSpace } from './disk-space.js';
import { downloadFile } from './download-file.js';
import { hasEtag, sha256Of } from './etag.js';
import { incompleteBytes } from './partial-file.js';
import { RepoCache } from './repo-cache.js';
import { parseRepo, type RepoRevision } from './repo-id.js';
import { fileAddress, listRepository, type RepoFile, resolveCommit } from './repository.js';
import { type FileChoice, selectFiles } from './select-files.js';
import { type HubOptions, hubSettings } from './settings.js';

export interface PullOptions extends HubOptions, FileChoice {
  /** Branch, tag or commit. Default 'main', or what follows the `@`. */
  revision?: string;
  /** Files downloaded at once, 1-64. Default 4. */
  concurrency?: number;
  /** Ask what would be downloaded, and write nothing. */
  dryRun?: boolean;
  /** Also hash what is in the cache already; damaged files are downloaded again. */
  verify?: boolean;
  /** What was downloaded is kept, and the next pull goes on from there. */
  signal?: AbortSignal;
  /** Some times for each file; must not throw. */
  onProgress?: (progress: PullProgress) => void;
}

export interface PullProgress {
  /** In the repository. */
  file: string;
  /** Bytes of `file` that are there. */
  fileBytes: number;
  fileSize: number;
  /** Bytes that are there of all files to be downloaded or checked. */
  bytes: number;
  size: number;
  /** Why nothing comes at the moment. */
  note?: string;
}

export interface PulledFile {
  /** In the repository, and below the snapshot's folder. */
  path: string;
  size: number;
  /** In hex; not of small files that a dry run only found out about. */
  sha256?: string;
  /** Whether it was in the cache. */
  cached: boolean;
}

export interface PullResult {
  /** "owner/name". */
  repo: string;
  revision: string;
  /** 40 hex digits. */
  commit: string;
  /** Folder of the snapshot, a checkpoint for `convert`. */
  path: string;
  files: PulledFile[];
}

const DEFAULT_CONCURRENCY = 4;

/**
 * Downloads a checkpoint into the cache that Python's huggingface_hub uses too, or finds it there. Two processes may pull the
 * same repository at once. Environment variables of huggingface_hub hold: see {@link HubOptions}.
 * @param repo "owner/name", "owner/name@revision", or a published model's short name such as "0.5b-ov"
 * @throws ERR_HUB_UNAUTHORIZED, ERR_HUB_FORBIDDEN, ERR_HUB_NOT_FOUND, ERR_HUB_REVISION_NOT_FOUND, ERR_HUB_FILE_NOT_FOUND,
 * ERR_HUB_RATE_LIMIT, ERR_HUB_SERVER, ERR_HUB_NETWORK, ERR_HUB_OFFLINE, ERR_HUB_CHECKSUM, ERR_DISK_FULL, ERR_WRITE,
 * ERR_CHECKPOINT (an index that is none), ERR_INVALID_ARGUMENT, signal.reason
 */
export async function pull(repo: string, given?: PullOptions): Promise<PullResult> {
  const options = checkPull(given);
  const named = parseRepo(repo, options.revision);
  const settings = await hubSettings(options);
  options.signal?.throwIfAborted();
  const cache = new RepoCache(settings, named.repo);
  const plan = settings.offline
    ? await planOffline(cache, named, options)
    : await planPull(new HubConnection(settings, named), cache, options);
  if (!options.dryRun) await carryOut(plan, cache, options);
  const { commit } = plan;
  const files = await Promise.all(plan.files.map((file) => describe(file, cache.snapshot(commit))));
  return { ...named, commit, path: cache.snapshot(commit), files };
}

const patterns: OptionCheck = (name, value) => {
  const isPattern = (item: unknown) => typeof item === 'string' && item !== '';
  if (!Array.isArray(value) || !value.every(isPattern))
    throw invalidArgument(name, 'a list of patterns', value);
};

const PULL_OPTIONS: Record<keyof PullOptions, OptionCheck> = {
  endpoint: aText,
  token: aText,
  cacheDir: aText,
  offline: aFlag,
  include: patterns,
  exclude: patterns,
  all: aFlag,
  revision: aText,
  concurrency: aCount(64),
  dryRun: aFlag,
  verify: aFlag,
  signal: aSignal,
  onProgress: aFunction,
};

function checkPull(given: unknown): PullOptions {
  const options = checkTable<PullOptions>(given, PULL_OPTIONS);
  const { include, all } = options;
  if (all && include) throw invalidArgument('include', 'nothing beside `all`', include.join(' '));
  return options;
}

interface PlannedFile extends RepoFile {
  /** Where its contents are already. */
  found?: string;
  /** What to do: nothing, link a blob that is there, download it, or first delete a damaged one. */
  need: 'nothing' | 'link' | 'download' | 'repair';
}

interface Plan {
  commit: string;
  files: PlannedFile[];
  /** None when offline. */
  connection?: HubConnection;
}

async function planOffline(
  cache: RepoCache,
  named: RepoRevision,
  options: PullOptions,
): Promise<Plan> {
  const { commit, files } = await cachedSnapshot(cache, named, options);
  const folder = cache.snapshot(commit);
  const planned = files.map((file): PlannedFile => {
    return { ...file, found: join(folder, file.path), need: 'nothing' };
  });
  const [damaged] = options.verify ? await findDamaged(planned, options) : [];
  if (damaged)
    throw new LlavaError(
      'ERR_HUB_CHECKSUM',
      `${damaged.found} is damaged: its hash is not ${damaged.etag}. Pull it with a network and \`verify\`.`,
      { file: damaged.path, expected: damaged.etag },
    );
  return { commit, files: planned };
}

async function planPull(
  connection: HubConnection,
  cache: RepoCache,
  options: PullOptions,
): Promise<Plan> {
  const { signal } = options;
  const commit = await resolveCommit(connection, signal);
  const listed = await listRepository(connection, commit, signal);
  const readIndex = async ({ path }: RepoFile) => {
    const request = { file: path, ...(signal && { signal }) };
    return `${(await connection.read(fileAddress(connection, commit, path), request)).bytes}`;
  };
  const { files, missing } = await selectFiles(listed, options, readIndex);
  if (missing.length > 0) throw filesNotFound(connection.repo, missing);
  const planned: PlannedFile[] = [];
  for (const file of files) {
    const there = await cache.find(commit, file);
    if (!there) planned.push({ ...file, need: 'download' });
    else if (there.as === 'damaged') planned.push({ ...file, need: 'repair' });
    else
      planned.push({ ...file, found: there.path, need: there.as === 'shown' ? 'nothing' : 'link' });
  }
  const damaged = options.verify ? await findDamaged(planned, options) : [];
  return {
    connection,
    commit,
    files: planned.map((file) => {
      if (!damaged.includes(file)) return file;
      const { found: _, ...rest } = file;
      return { ...rest, need: 'repair' };
    }),
  };
}

/** Hashes what was found in the cache, as far as hashes are known. */
async function findDamaged(
  files: readonly PlannedFile[],
  { onProgress, signal }: PullOptions,
): Promise<PlannedFile[]> {
  const known = files.filter(({ found, etag }) => found && etag);
  const progress = totals(known, onProgress);
  const damaged: PlannedFile[] = [];
  for (const file of known) {
    const onBytes = (bytes: number) => progress(file, bytes, 'checking');
    const isGood = await hasEtag(file.found!, file, { onBytes, ...(signal && { signal }) });
    if (!isGood) damaged.push(file);
  }
  return damaged;
}

function filesNotFound({ repo, revision }: RepoRevision, missing: string[]): LlavaError {
  return new LlavaError(
    'ERR_HUB_FILE_NOT_FOUND',
    `${repo}@${revision} lacks ${missing.join(', ')}. A checkpoint to convert needs its configuration, tokenizer and ` +
      'safetensors weights; `all` or `include` download other things.',
    { repo, revision, missing },
  );
}

async function carryOut(
  { connection, commit, files }: Plan,
  cache: RepoCache,
  options: PullOptions,
): Promise<void> {
  if (!connection) return;
  const { signal, concurrency: limit = DEFAULT_CONCURRENCY } = options;
  const absent = files.filter(({ need }) => need === 'download' || need === 'repair');
  // Files of the same contents share a blob.
  const blobs = [...new Map(absent.map((file) => [file.etag, file])).values()];
  await checkRoom(cache, blobs);
  const progress = totals(blobs, options.onProgress);
  await forEachAtOnce(blobs, { limit, signal }, async (file, stop) => {
    const blob = cache.blob(file.etag);
    if (file.need === 'repair') await rm(blob, { force: true });
    const address = fileAddress(connection, commit, file.path);
    const onBytes = (bytes: number, note?: string) => progress(file, bytes, note);
    await downloadFile({ connection, file, address, blob }, { onBytes, signal: stop });
  });
  for (const file of files) if (file.need !== 'nothing') await cache.show(commit, file);
  const { revision } = connection.repo;
  // A cache that is complete may be read-only.
  const isSettled = files.every(({ need }) => need === 'nothing');
  if (revision !== commit)
    await cache.writeRef(revision, commit).catch((error) => {
      if (!isSettled) throw error;
    });
}

async function checkRoom(cache: RepoCache, blobs: readonly RepoFile[]): Promise<void> {
  if (blobs.length === 0) return;
  let needed = 0;
  for (const { etag, size } of blobs)
    needed += Math.max(0, size - (await incompleteBytes(cache.blob(etag))));
  await checkDiskSpace(cache.folder, needed);
}

/** @returns takes what is there of a file, and reports it with the sum of all; nothing is there at first */
function totals(files: readonly RepoFile[], onProgress: PullOptions['onProgress']) {
  const there = new Map<string, number>();
  const sizes = new Map(files.map(({ etag, size }) => [etag, size]));
  const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0);
  const size = sum(sizes.values());
  return ({ etag, path, size: fileSize }: RepoFile, fileBytes: number, note?: string) => {
    there.set(etag, fileBytes);
    const bytes = sum(there.values());
    onProgress?.({ file: path, fileBytes, fileSize, bytes, size, ...(note && { note }) });
  };
}

/** Those that the hub does not keep in large file storage, whose hash would be known, are smaller. */
const SMALL_BYTES = 16 << 20;

async function describe(
  { path, size, etag, found, need }: PlannedFile,
  snapshot: string,
): Promise<PulledFile> {
  const place = found ?? join(snapshot, path);
  const isHashed = size <= SMALL_BYTES;
  const sha256 =
    sha256Of(etag) ?? (isHashed ? await sha256File(place).catch(() => undefined) : undefined);
  const cached = need === 'nothing' || need === 'link';
  return { path, size, ...(sha256 !== undefined && { sha256 }), cached };
}
