/**
 * Where the hub is, who asks, and where its files are kept: options first, then the environment variables of Python's
 * huggingface_hub, so that both share token and cache.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { invalidArgument } from '../errors.js';
import { readText } from '../files/read-whole.js';

export interface HubOptions {
  /** Address of the hub. Default: `HF_ENDPOINT`, or https://huggingface.co. */
  endpoint?: string;
  /** Default: `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, or what `hf auth login` stored. Sent to `endpoint` only. */
  token?: string;
  /** Default: `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, `HF_HOME`/hub or ~/.cache/huggingface/hub. */
  cacheDir?: string;
  /** Use what the cache holds and ask no one. Default: `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`. */
  offline?: boolean;
}

export interface HubSettings {
  /** Without a slash at its end. */
  endpoint: string;
  token?: string;
  cacheDir: string;
  offline: boolean;
  /** Whether snapshots are links to blobs. */
  symlinks: boolean;
  /** How long a connection may say nothing. */
  timeoutMs: number;
  /** How often a small answer is asked for. */
  attempts?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_TIMEOUT_SECONDS = 30;

/** @throws ERR_INVALID_ARGUMENT */
export async function hubSettings(
  options: HubOptions,
  env: Environment = process.env,
): Promise<HubSettings> {
  const home = expandHome(
    env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'),
  );
  const token =
    clean(options.token) ??
    clean(env.HF_TOKEN) ??
    clean(env.HUGGING_FACE_HUB_TOKEN) ??
    (await storedToken(expandHome(env.HF_TOKEN_PATH || join(home, 'token'))));
  const cacheDir =
    options.cacheDir || env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub');
  return {
    endpoint: checkEndpoint(options.endpoint || env.HF_ENDPOINT || 'https://huggingface.co'),
    ...(token !== undefined && { token }),
    cacheDir: resolve(expandHome(cacheDir)),
    offline: options.offline ?? isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
    symlinks: !isTrue(env.HF_HUB_DISABLE_SYMLINKS),
    timeoutMs: (Number(env.HF_HUB_DOWNLOAD_TIMEOUT) || DEFAULT_TIMEOUT_SECONDS) * 1000,
  };
}

function checkEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw invalidArgument('endpoint (HF_ENDPOINT)', 'an http or https address', text);
  return text.replace(/\/+$/, '');
}

/** A token that cannot stand in a header would otherwise fail each request in words that name no cause. */
function clean(token: string | undefined): string | undefined {
  const text = token?.trim();
  if (text && !/^[\x21-\x7e]+$/.test(text))
    throw invalidArgument('token (HF_TOKEN)', 'printable ASCII without spaces', '(hidden)');
  return text || undefined;
}

async function storedToken(path: string): Promise<string | undefined> {
  return clean(await readText(path).catch(() => undefined));
}

function isTrue(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? '');
}

function expandHome(path: string): string {
  return path.replace(/^~(?=$|[\\/])/, homedir());
}
