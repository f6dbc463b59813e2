/**
 * What it takes to have a repository's files, and how: weights in several files are fetched one at a time and deleted when they
 * are converted, which takes much less of the disk; one file, or what the caller wants to keep, is fetched whole.
 */
import { byteSize } from '../byte-size.js';
import { LlavaError } from '../errors.js';
import { HubConnection } from '../hub/connection.js';
import { LentFiles } from '../hub/lent-files.js';
import { type PulledFile, type PullResult, pull } from '../hub/pull.js';
import { RepoCache } from '../hub/repo-cache.js';
import type { RepoRevision } from '../hub/repo-id.js';
import { isAdapterList } from '../hub/select-files.js';
import type { HubSettings } from '../hub/settings.js';
import { convertedBytes, roughType } from './default-type.js';
import { begunBytes, checkDisks } from './disks.js';
import { lentWeights } from './lent-weights.js';
import { chooseType, type Fetched, type MakePlan, type PlanOptions } from './model-plan.js';
import { repoSource } from './model-source.js';
import { unfinishedBytes } from './unfinished.js';

const WEIGHTS = '*.safetensors';

/** @throws what `pull` does, ERR_CHECKPOINT, ERR_OUT_OF_MEMORY, ERR_DISK_FULL */
export async function planDownload(
  named: RepoRevision,
  options: PlanOptions,
  settings: HubSettings,
): Promise<MakePlan> {
  const { repo, revision } = named;
  const { type, signal } = options;
  const { offline } = settings;
  const listed = await pull(repo, { revision, offline, ...(signal && { signal }), dryRun: true });
  if (isAdapterList(listed.files))
    throw new LlavaError(
      'ERR_CHECKPOINT',
      `${repo} is a LoRA adapter, not a model: convert it, and give it as \`lora\` beside a model.`,
      { path: repo },
    );
  const downloadBytes = sum(listed.files.filter(isMissing));
  const choice = downloadBytes === 0 ? await chooseType(listed.path, type) : undefined;
  const weights = sum(listed.files.filter(isWeights));
  const convertBytes = choice?.bytes ?? convertedBytes(weights, type ?? roughType(weights));
  const plan: MakePlan = {
    ...{ state: downloadBytes > 0 ? 'download' : 'convert', type, ...(choice && { choice }) },
    ...{ label: repoSource(listed, listed.commit).label, downloadBytes, convertBytes, notes: [] },
    fetch: async (given) => {
      const result = await pull(repo, { revision, offline, ...given });
      return { folder: result.path, source: repoSource(result, result.commit) };
    },
  };
  return !options.keepCheckpoint && mayLend(listed.files)
    ? planLent(plan, listed, { options, settings })
    : planWhole(plan, listed, settings);
}

async function planWhole(
  plan: MakePlan,
  { repo, files }: PullResult,
  settings: HubSettings,
): Promise<MakePlan> {
  const { cacheDir } = settings;
  const { downloadBytes, convertBytes } = plan;
  const begun = await begunBytes(new RepoCache(settings, repo), files.filter(isMissing));
  const free = await checkDisks(cacheDir, { downloadBytes: downloadBytes - begun, convertBytes });
  const note =
    `${repo}: ${byteSize(downloadBytes)} to download into ${cacheDir}, then about ${byteSize(convertBytes)} ` +
    `of converted files${room(free)}`;
  return { ...plan, notes: downloadBytes > 0 ? [note] : [] };
}

interface LentPlan {
  options: PlanOptions;
  settings: HubSettings;
}

async function planLent(
  plan: MakePlan,
  listed: PullResult,
  { options, settings }: LentPlan,
): Promise<MakePlan> {
  const { downloadBytes, convertBytes } = plan;
  const fetched = listed.files.filter((file) => isWeights(file) && isMissing(file));
  const most = convertBytes + Math.max(...fetched.map(({ size }) => size));
  const there = await unfinishedBytes(repoSource(listed, listed.commit), options.type);
  const free = await checkDisks(settings.cacheDir, {
    downloadBytes: downloadBytes - sum(fetched),
    convertBytes: Math.max(0, most - there),
  });
  const note =
    `${listed.repo}: ${byteSize(downloadBytes)} to download, each file of weights deleted once it is converted: ` +
    `at most about ${byteSize(most)} of disk, ${byteSize(convertBytes)} in the end${room(free)}`;
  const fetch: MakePlan['fetch'] = async (given): Promise<Fetched> => {
    const { repo, revision, commit } = listed;
    const result = await pull(repo, { revision, ...given, exclude: [WEIGHTS] });
    // It has changed since then.
    if (result.commit !== commit)
      return (await planDownload(listed, options, settings)).fetch(given);
    const connection = new HubConnection(settings, { repo, revision });
    const files = listed.files
      .filter(isWeights)
      .map(({ path, size, sha256 }) => ({ path, size, etag: sha256! }));
    const lent = new LentFiles(connection, new RepoCache(settings, repo), { commit, files });
    return {
      ...{ folder: result.path, source: repoSource(result, commit) },
      weights: lentWeights(lent, given),
    };
  };
  return { ...plan, notes: [note], fetch };
}

/** Whether there are several files of weights, some of them to be fetched. */
function mayLend(files: readonly PulledFile[]): boolean {
  const weights = files.filter(isWeights);
  const isNamed = weights.every(({ sha256 }) => sha256 !== undefined);
  return weights.length > 1 && isNamed && weights.some(isMissing);
}

function isWeights({ path }: PulledFile): boolean {
  return path.endsWith(WEIGHTS.slice(1));
}

function isMissing({ cached }: PulledFile): boolean {
  return !cached;
}

function sum(files: readonly PulledFile[]): number {
  return files.reduce((bytes, { size }) => bytes + size, 0);
}

function room(free: number | undefined): string {
  return free === undefined ? '' : `; ${byteSize(free)} are free`;
}
