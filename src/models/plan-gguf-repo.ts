/**
 * A repository that holds GGUF files in place of a checkpoint: the decoder of the type that is asked for, else the best that fits,
 * and the mmproj that belongs to it go into the hub's cache and are used there. What the files are is read from their
 * headers, which are asked for without the rest. What of them is here already is taken before what is not.
 */
import { join } from 'node:path';
import { forEachAtOnce } from '../at-once.js';
import { byteSize } from '../byte-size.js';
import type { Outtype } from '../convert/outtypes.js';
import { LlavaError } from '../errors.js';
import { HubConnection } from '../hub/connection.js';
import { LentFiles } from '../hub/lent-files.js';
import { type PulledFile, type PullResult, pull } from '../hub/pull.js';
import { RepoCache } from '../hub/repo-cache.js';
import type { HubSettings } from '../hub/settings.js';
import { memoryShare } from './default-type.js';
import { begunBytes, checkDisks } from './disks.js';
import type { ModelFiles } from './gguf-files.js';
import { type GgufHead, isLaterPart, mmprojOf, readHeads } from './gguf-heads.js';
import type { NamedRepo } from './model-name.js';
import type { ModelPlan, PlanOptions } from './model-plan.js';
import { repoSource } from './model-source.js';

export interface GgufRepoPlan {
  commit: string;
  plan: ModelPlan;
}

/** @returns undefined for a repository without GGUF files @throws what `pull` does, ERR_MODEL_LOAD, ERR_OUT_OF_MEMORY, ERR_DISK_FULL */
export async function planGgufRepo(
  { repo, revision, file }: NamedRepo,
  { type, signal }: PlanOptions,
  settings: HubSettings,
): Promise<GgufRepoPlan | undefined> {
  const common = { revision, offline: settings.offline, ...(signal && { signal }) };
  const listed = await pull(repo, { ...common, include: ['*.gguf'], dryRun: true }).catch(ifNone);
  if (!listed) return undefined;
  const { commit, files } = listed;
  const wanted = { repo, type, file, files };
  const cached = await headsOf(listed, { settings, signal, isWanted: isCached });
  const here = await choose(cached, wanted).catch(notHere);
  if (here && here.missing.length === 0) {
    const files = filesAt(listed.path, here);
    return { commit, plan: { state: 'ready', files, notes: [] } };
  }
  const chosen = await choose(await headsOf(listed, { settings, signal }), wanted);
  return { commit, plan: await planFetch(listed, chosen, { type, settings, common }) };
}

interface Chosen {
  decoder: GgufHead;
  mmproj: GgufHead;
  reason: string;
  /** What is to be downloaded for them, all parts of a split decoder. */
  wanted: PulledFile[];
  missing: PulledFile[];
}

async function planFetch(
  listed: PullResult,
  chosen: Chosen,
  { type, settings, common }: PlanFetch,
): Promise<ModelPlan> {
  const { repo, commit } = listed;
  const { decoder, wanted, missing, reason } = chosen;
  const bytes = sum(missing);
  const { cacheDir } = settings;
  const begun = await begunBytes(new RepoCache(settings, repo), missing);
  const free = await checkDisks(cacheDir, { downloadBytes: bytes - begun, convertBytes: 0 });
  const room = free === undefined ? '' : `; ${byteSize(free)} are free`;
  const note =
    `${repo}: ${decoder.type ?? decoder.path}, ${reason}; ${byteSize(bytes)} to download ` +
    `into ${cacheDir}${room}`;
  const source = repoSource(listed, commit);
  return {
    ...{ state: 'download', label: source.label, type, downloadBytes: bytes, convertBytes: 0 },
    ...(decoder.type && { choice: { type: decoder.type, reason, bytes: 0 } }),
    notes: [note],
    fetch: async (given) => {
      const include = wanted.map(({ path }) => path);
      const { path } = await pull(repo, { ...common, ...given, include });
      return { folder: path, source, files: filesAt(path, chosen) };
    },
  };
}

interface PlanFetch {
  type: Outtype | undefined;
  settings: HubSettings;
  common: { revision: string; offline: boolean; signal?: AbortSignal };
}

interface HeadsOptions {
  settings: HubSettings;
  signal: AbortSignal | undefined;
  isWanted?: (file: PulledFile) => boolean;
}

/** By their headers, some kilobytes each. */
async function headsOf(
  { repo, revision, commit, files }: PullResult,
  { settings, signal, isWanted = () => true }: HeadsOptions,
): Promise<GgufHead[]> {
  const list = files.filter((file) => isWanted(file) && !isLaterPart(file.path));
  const remote = list.map(({ path, size, sha256 = '' }) => ({ path, size, etag: sha256 }));
  const connection = new HubConnection(settings, { repo, revision });
  const lent = new LentFiles(connection, new RepoCache(settings, repo), { commit, files: remote });
  const heads: GgufHead[][] = remote.map(() => []);
  await forEachAtOnce(remote.keys(), { limit: 8, signal }, async (index) => {
    const file = remote[index]!;
    const read = async (buffer: Buffer, offset: number, length: number, position: number) => {
      const bytes = await lent.read(file, { position, length }, signal);
      return { bytesRead: bytes.copy(buffer, offset) };
    };
    heads[index] = await readHeads([{ path: file.path, from: { size: file.size, read } }]);
  });
  return heads.flat();
}

interface Wanted {
  repo: string;
  type: Outtype | undefined;
  /** The decoder that was named. */
  file: string | undefined;
  files: readonly PulledFile[];
}

async function choose(
  heads: readonly GgufHead[],
  { repo, type, file, files }: Wanted,
): Promise<Chosen> {
  const decoders = heads.filter(({ kind }) => kind === 'decoder');
  const all = file === undefined ? decoders : decoders.filter(({ path }) => path === file);
  const partsOf = ({ path }: GgufHead) => {
    const start = /^(.*)-00001-of-\d{5}\.gguf$/.exec(path)?.[1];
    const isPart = (other: string) =>
      start !== undefined && other.startsWith(`${start}-`) && /-of-\d{5}\.gguf$/.test(other);
    return files.filter((file) => file.path === path || isPart(file.path));
  };
  const sizeOf = (head: GgufHead) => sum(partsOf(head));
  const found = all.map((head) => `${head.path} (${head.type ?? 'unknown type'})`).join(', ');
  const fail = (problem: string) =>
    new LlavaError('ERR_MODEL_LOAD', `Cannot load ${repo}: ${problem}`, {
      ...{ path: repo, candidates: all.map(({ path }) => path) },
    });
  if (all.length === 0)
    throw fail(
      file ? `${file} is no GGUF decoder.` : 'it holds neither a checkpoint nor a GGUF decoder.',
    );
  const { decoder, reason } = chooseDecoder(all, { type, sizeOf, found, fail });
  const mmproj = await mmprojOf(decoder, heads);
  if (!mmproj)
    throw fail(
      `it holds no mmproj (vision file) for ${decoder.path}. Pull it, and give an mmproj of your own with it.`,
    );
  const wanted = [...partsOf(decoder), ...partsOf(mmproj)];
  return { decoder, mmproj, reason, wanted, missing: wanted.filter((file) => !isCached(file)) };
}

interface DecoderChoice {
  type: Outtype | undefined;
  sizeOf(head: GgufHead): number;
  found: string;
  fail(problem: string): LlavaError;
}

function chooseDecoder(
  all: readonly GgufHead[],
  { type, sizeOf, found, fail }: DecoderChoice,
): { decoder: GgufHead; reason: string } {
  const wanted = type === undefined ? all : all.filter((head) => head.type === type);
  const [only, ...more] = wanted;
  if (!only) throw fail(`expected a decoder of type ${type} but found ${found}.`);
  if (more.length === 0) return { decoder: only, reason: type ? 'as asked for' : 'the only one' };
  if (type)
    throw fail(`several decoders are of type ${type}: ${found}. Pull one, and name its file.`);
  const room = memoryShare();
  // f32 says no more than f16 does.
  const rank = (head: GgufHead) => (head.type === 'f32' ? 0 : sizeOf(head));
  const best = all.toSorted((a, b) => rank(b) - rank(a)).find((head) => sizeOf(head) <= room);
  if (best) return { decoder: best, reason: 'the best type that fits' };
  const least = Math.min(...all.map(sizeOf));
  throw new LlavaError(
    'ERR_OUT_OF_MEMORY',
    `The smallest decoder takes ${byteSize(least)}, and a model may take ${byteSize(room)} of this machine: ${found}. ` +
      'A type behind a colon takes one all the same.',
    { needed: least, available: room },
  );
}

function filesAt(folder: string, { decoder, mmproj }: Chosen): ModelFiles {
  return { model: join(folder, decoder.path), mmproj: join(folder, mmproj.path) };
}

function isCached({ cached }: PulledFile): boolean {
  return cached;
}

function sum(files: readonly PulledFile[]): number {
  return files.reduce((bytes, { size }) => bytes + size, 0);
}

function ifNone(error: unknown): undefined {
  if (!(error instanceof LlavaError && /_FILE_NOT_FOUND|_OFFLINE/.test(error.code))) throw error;
}

/** What is here alone does not make a model. */
function notHere(error: unknown): undefined {
  if (!(error instanceof LlavaError && /_LOAD|_MEMORY/.test(error.code))) throw error;
}
