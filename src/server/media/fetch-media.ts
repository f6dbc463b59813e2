/** Pictures and clips of requests to bytes: of `data:` URLs alone, the rest is refused. */
import { LlavaError } from '../../errors.js';

export interface MediaRules {
  /** Hosts, or '*'. */
  allowUrls: readonly string[];
  mediaDir?: string;
  maxBytes: number;
  timeoutMs: number;
  maxPixels: number;
  maxParts: number;
  maxFrames: number;
  maxClipSeconds: number;
}

const DEFAULTS: MediaRules = {
  allowUrls: [],
  maxBytes: 64 * 2 ** 20,
  timeoutMs: 30_000,
  maxPixels: 50e6,
  maxParts: 64,
  maxFrames: 128,
  maxClipSeconds: 3600,
};

export function mediaRules(options: Partial<MediaRules>): MediaRules {
  return { ...DEFAULTS, ...options };
}

export async function fetchMedia(
  url: string,
  kind: 'image' | 'video',
  rules: MediaRules,
  signal: AbortSignal,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const [, body] = /^data:[^,]*;base64,([\w+/-]+={0,2})$/s.exec(url) ?? [];
  const bytes = Buffer.from(body ?? '', 'base64');
  if (bytes.length > 0 && bytes.length <= rules.maxBytes) return bytes;
  const code = kind === 'image' ? 'ERR_IMAGE_DECODE' : 'ERR_VIDEO_DECODE';
  throw new LlavaError(code, 'Send a data: URL with base64.');
}
