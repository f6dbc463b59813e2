/**
 * What strangers may have the server fetch, and how much of it: filled with defaults and checked, once, at start.
 * An entry of `allowUrls` says which URLs may be asked (`images.example.com`, `*.example.com`, `https://host:8443`, `*`). One
 * that is an address or a block of them (`10.0.0.7:9000`, `10.0.0.0/8`) or `localhost` also opens addresses that are not public.
 */
import type { LookupFunction } from 'node:net';
import { invalidArgument } from '../../errors.js';
import type { FfmpegPaths } from '../../media/ffmpeg-tools.js';
import { checkNumber, checkOptions, checkPath } from '../../option-checks.js';
import { parseAllowed } from './allowed-urls.js';

export interface MediaRules extends FfmpegPaths {
  /** Hosts, addresses or `*`; none: no http(s) at all. */
  allowUrls: readonly string[];
  /** file: URLs are read below this folder only; absent: none. */
  mediaDir?: string;
  /** Bytes of one picture or clip. */
  maxBytes: number;
  /** For a whole fetch with its redirects, and for looking at a clip. */
  timeoutMs: number;
  /** Pixels of a picture, and of a clip's frames. */
  maxPixels: number;
  /** Pictures and clips in one request. */
  maxParts: number;
  /** Frames that a request may ask to have looked at in a clip. */
  maxFrames: number;
  maxClipSeconds: number;
  /** How names become addresses; the system's way when absent. */
  lookup?: LookupFunction;
}

const LIMITS = {
  maxBytes: { fallback: 2 ** 27, min: 1, max: 2 ** 31 },
  timeoutMs: { fallback: 30_000, min: 1, max: 300_000 },
  maxPixels: { fallback: 64e6, min: 1, max: 1e9 },
  maxParts: { fallback: 64, min: 1, max: 4096 },
  maxFrames: { fallback: 128, min: 1, max: 4096 },
  maxClipSeconds: { fallback: 3600, min: 1, max: 86_400 },
} as const;
type Limit = keyof typeof LIMITS;
const NAMES = Object.keys(LIMITS) as Limit[];

/** @throws ERR_INVALID_ARGUMENT naming the option */
export function mediaRules(options: Partial<MediaRules> = {}): MediaRules {
  const others = ['allowUrls', 'mediaDir', 'lookup', 'ffmpegPath', 'ffprobePath'] as const;
  const given = checkOptions<Partial<MediaRules>>('media', options, [...NAMES, ...others]);
  const { allowUrls = [], mediaDir } = given;
  if (!Array.isArray(allowUrls)) throw invalidArgument('allowUrls', 'an array of hosts', allowUrls);
  allowUrls.forEach(parseAllowed);
  if (mediaDir !== undefined) checkPath('mediaDir', mediaDir, 'the path of a folder');
  const limits = NAMES.map((name) => {
    return [name, checkNumber(name, given[name], { ...LIMITS[name], integer: true })] as const;
  });
  return {
    ...given,
    ...(Object.fromEntries(limits) as Record<Limit, number>),
    allowUrls: [...allowUrls],
  };
}
