/** Names of repositories and revisions as users write them. Both become names of folders, so both are checked. */
import { invalidArgument } from '../errors.js';
import { publishedModels } from './published-models.js';

export interface RepoRevision {
  /** "owner/name". */
  repo: string;
  /** Branch, tag or commit. */
  revision: string;
}

const DEFAULT_REVISION = 'main';

/**
 * @param text "owner/name", "owner/name@revision", the short name of a published model, also with a revision, or the address
 *   of a model's page
 * @param revision where `text` has none
 * @throws ERR_INVALID_ARGUMENT
 */
export function parseRepo(text: string, revision?: string): RepoRevision {
  const parsed = typeof text === 'string' ? split(text) : undefined;
  if (!parsed)
    throw invalidArgument(
      'repo',
      `'owner/name', 'owner/name@revision', the address of a model on the hub or one of ${Object.keys(publishedModels).join(', ')}`,
      text,
    );
  if (parsed.revision !== undefined && revision !== undefined && parsed.revision !== revision)
    throw invalidArgument('revision', `the one in '${text}', or none`, revision);
  const wanted = parsed.revision ?? revision ?? DEFAULT_REVISION;
  if (!isRevision(wanted)) throw invalidArgument('revision', 'a branch, tag or commit', wanted);
  return { repo: parsed.repo, revision: wanted };
}

/** Whether a word can only be meant as a repository, once there is no folder of that name. */
export function looksLikeRepo(text: string): boolean {
  return split(text) !== undefined;
}

/** The GGUF file that an address is of. @returns its path in the repository */
export function ggufInAddress(text: string): string | undefined {
  const [, , kind, ...rest] = wordsOf(text) ?? [];
  const path = rest.slice(rest[0] === 'refs' ? 3 : 1).join('/');
  return /^(blob|resolve|raw)$/.test(kind ?? '') && path.endsWith('.gguf') ? path : undefined;
}

/** Of the path of an address of the hub. */
function wordsOf(text: string): string[] | undefined {
  const [, host = '', path = ''] = /^(?:https?:\/\/)?([^/?#\s]+)\/([^?#\s]*)/.exec(text) ?? [];
  return isHub(host.toLowerCase()) ? decode(path.replace(/\/+$/, '')).split('/') : undefined;
}

/** As copied from a browser: a model's page, a folder or a file of it. */
function readAddress(text: string): string {
  const words = wordsOf(text);
  if (!words) return text;
  const [owner, name, kind, ...rest] = words;
  if (name === undefined || owner === 'datasets' || owner === 'spaces') return text;
  if (kind === undefined) return `${owner}/${name}`;
  if (!['tree', 'blob', 'resolve', 'commit', 'raw'].includes(kind) || rest.length === 0)
    return text;
  return `${owner}/${name}@${rest.slice(0, rest[0] === 'refs' ? 3 : 1).join('/')}`;
}

function isHub(host: string): boolean {
  const own = process.env.HF_ENDPOINT ?? '';
  const hosts = ['huggingface.co', 'www.huggingface.co', 'hf.co'];
  return hosts.includes(host) || (URL.canParse(own) && new URL(own).host === host);
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function split(given: string): { repo: string; revision?: string } | undefined {
  const text = readAddress(given);
  const [, name = '', revision] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? [];
  const short = name.toLowerCase();
  const repo = Object.hasOwn(publishedModels, short) ? publishedModels[short]! : name;
  if (!isRepo(repo)) return undefined;
  return { repo, ...(revision !== undefined && { revision }) };
}

/** @see huggingface_hub utils/_validators.py validate_repo_id */
function isRepo(text: string): boolean {
  return (
    text.length <= 96 &&
    /^[a-zA-Z0-9_][\w.-]*\/[a-zA-Z0-9_][\w.-]*$/.test(text) &&
    !/--|\.\.|[.-]\/|[.-]$|\.git$/.test(text)
  );
}

/** What git allows as a reference and any file system as a path. */
function isRevision(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    text.length <= 200 &&
    /^[^\s\p{Cc}\\:*?"<>|~^[]+$/u.test(text) &&
    text.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
  );
}
