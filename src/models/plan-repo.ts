/**
 * What it takes to have a model of the hub. The hub is asked which commit the revision is now; where it cannot be, what an
 * earlier call has left is taken, and that is said.
 */
import { LlavaError } from '../errors.js';
import { HubConnection } from '../hub/connection.js';
import { publishedModels } from '../hub/published-models.js';
import type { RepoRevision } from '../hub/repo-id.js';
import { resolveCommit } from '../hub/repository.js';
import { type HubSettings, hubSettings } from '../hub/settings.js';
import { nearest } from '../nearest.js';
import { listModels, type ModelEntry } from './model-cache.js';
import type { NamedRepo } from './model-name.js';
import {
  type ModelPlan,
  type PlanOptions,
  pickEntry,
  type ReadyPlan,
  readyEntry,
} from './model-plan.js';
import { isCurrent, repoGroup, repoSource } from './model-source.js';
import { planDownload } from './plan-download.js';
import { planGgufRepo } from './plan-gguf-repo.js';

/** How long the hub may take to say that nothing has changed. */
const QUICK_MS = 5000;

/** @param given the name as the user wrote it @throws what `pull` does, ERR_OUT_OF_MEMORY, ERR_DISK_FULL */
export async function planRepo(
  named: NamedRepo,
  given: string,
  options: PlanOptions,
): Promise<ModelPlan> {
  const settings = await hubSettings(options);
  const { type } = options;
  const known = (await listModels(repoGroup(named.repo))).filter(isCurrent);
  const there = await findHere(named, known, { options, settings });
  if (settings.offline && there) return there.plan;
  try {
    if (settings.offline) return await planDownload(named, options, settings);
    const commit = await askCommit(named, options, there ? quick(settings) : settings);
    const { key } = repoSource(named, commit);
    const current = known.filter((one) => one.key === key);
    const entry = named.file ? undefined : pickEntry(current, type);
    if (entry) return readyEntry(entry);
    if (there?.isGguf && there.commit === commit) return there.plan;
    const plan = await planAny(named, options, settings);
    if (there && there.commit !== commit)
      plan.notes.unshift(`${named.repo}@${named.revision} has changed: ${commit.slice(0, 12)}`);
    return plan;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!isHubError(error)) throw error;
    if (there) {
      const note = `Taking ${named.repo} as it was. ${error.message}`;
      return { ...there.plan, notes: [note] };
    }
    throw notFound(given, named, error);
  }
}

interface Here {
  commit: string;
  plan: ReadyPlan;
  isGguf: boolean;
}

/** What an earlier call left, converted or downloaded. */
async function findHere(
  named: NamedRepo,
  known: readonly ModelEntry[],
  { options, settings }: { options: PlanOptions; settings: HubSettings },
): Promise<Here | undefined> {
  const { type } = options;
  const earlier = named.file ? [] : known.filter((entry) => isOf(entry, named.revision));
  const entry = pickEntry(earlier, type) ?? (type ? undefined : earlier[0]);
  if (entry?.origin.kind === 'hub')
    return { commit: entry.origin.commit, plan: readyEntry(entry), isGguf: false };
  if (earlier.length > 0) return undefined;
  const offline = { ...settings, offline: true };
  const gguf = await planGgufRepo(named, options, offline).catch(() => undefined);
  if (gguf?.plan.state !== 'ready') return undefined;
  return { commit: gguf.commit, plan: gguf.plan, isGguf: true };
}

/** A checkpoint, or else GGUF files. */
async function planAny(
  named: NamedRepo,
  options: PlanOptions,
  settings: HubSettings,
): Promise<ModelPlan> {
  if (named.file !== undefined)
    return (
      (await planGgufRepo(named, options, settings))?.plan ?? planDownload(named, options, settings)
    );
  return planDownload(named, options, settings).catch(async (error) => {
    if (!(error instanceof LlavaError && error.code === 'ERR_HUB_FILE_NOT_FOUND')) throw error;
    const gguf = await planGgufRepo(named, options, settings);
    if (!gguf) throw error;
    return gguf.plan;
  });
}

/** What an earlier call left of this revision. */
function isOf({ origin }: ModelEntry, revision: string): boolean {
  return origin.kind === 'hub' && (origin.revision === revision || origin.commit === revision);
}

function quick(settings: HubSettings): HubSettings {
  return { ...settings, timeoutMs: Math.min(settings.timeoutMs, QUICK_MS), attempts: 1 };
}

async function askCommit(
  named: NamedRepo,
  { signal }: PlanOptions,
  settings: HubSettings,
): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(named.revision)) return named.revision;
  return resolveCommit(new HubConnection(settings, named), signal);
}

function isHubError(error: unknown): error is LlavaError {
  return error instanceof LlavaError && error.code.startsWith('ERR_HUB_');
}

/** Who mistyped a path is told so too. */
function notFound(given: string, { repo }: RepoRevision, error: LlavaError): LlavaError {
  if (!given.startsWith(repo)) return error;
  const { code, message } = error;
  const meant = nearest(repo, Object.values(publishedModels));
  const hint = meant && meant !== repo ? ` Did you mean ${meant}?` : '';
  const text = `There is no file or folder ${given}.${hint} On the hub: ${message}`;
  return new LlavaError(code, text, { ...error });
}
