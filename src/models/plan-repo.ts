/**
 * What it takes to have a model of the hub. The hub is asked which commit the revision is now; where it cannot be, what an
 * earlier call has left is taken, and that is said.
 */
import { LlavaError } from '../errors.js';
import { HubConnection } from '../hub/connection.js';
import type { RepoRevision } from '../hub/repo-id.js';
import { resolveCommit } from '../hub/repository.js';
import { type HubSettings, hubSettings } from '../hub/settings.js';
import { listModels, type ModelEntry } from './model-cache.js';
import { type ModelPlan, type PlanOptions, pickEntry, readyEntry } from './model-plan.js';
import { isCurrent, repoGroup, repoSource } from './model-source.js';
import { planDownload } from './plan-download.js';

/** How long the hub may take to say that nothing has changed. */
const QUICK_MS = 5000;

/** @param given the name as the user wrote it @throws what `pull` does, ERR_OUT_OF_MEMORY, ERR_DISK_FULL */
export async function planRepo(
  named: RepoRevision,
  given: string,
  options: PlanOptions,
): Promise<ModelPlan> {
  const settings = await hubSettings(options);
  const { type } = options;
  const known = (await listModels(repoGroup(named.repo))).filter(isCurrent);
  const earlier = known.filter((entry) => isOf(entry, named.revision));
  const fallback = pickEntry(earlier, type) ?? (type ? undefined : earlier[0]);
  if (settings.offline && fallback) return readyEntry(fallback);
  try {
    if (settings.offline) return await planDownload(named, options, settings);
    const commit = await askCommit(named, options, fallback ? quick(settings) : settings);
    const { key } = repoSource(named, commit);
    const entry = pickEntry(
      known.filter((one) => one.key === key),
      type,
    );
    if (entry) return readyEntry(entry);
    const plan = await planDownload(named, options, settings);
    if (fallback && fallback.key !== key)
      plan.notes.unshift(`${named.repo}@${named.revision} has changed: ${commit.slice(0, 12)}`);
    return plan;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!isHubError(error)) throw error;
    if (fallback) return readyEntry(fallback, [`Taking ${named.repo} as it was. ${error.message}`]);
    throw notFound(given, named, error);
  }
}

/** What an earlier call left of this revision. */
function isOf({ origin }: ModelEntry, revision: string): boolean {
  return origin.kind === 'hub' && (origin.revision === revision || origin.commit === revision);
}

function quick(settings: HubSettings): HubSettings {
  return { ...settings, timeoutMs: Math.min(settings.timeoutMs, QUICK_MS), attempts: 1 };
}

async function askCommit(
  named: RepoRevision,
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
  return new LlavaError(code, `There is no file or folder ${given}. On the hub: ${message}`, {
    ...error,
  });
}
