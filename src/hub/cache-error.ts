import { LlavaError } from '../errors.js';

/** What the file system refuses, as an error that says what to do. */
export function cacheWriteError(path: string, cause: unknown): LlavaError {
  if (cause instanceof LlavaError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new LlavaError(
      'ERR_DISK_FULL',
      `No room left for ${path}. Free some, or put the cache on another disk with HF_HUB_CACHE; what is there already is kept.`,
      { path },
      { cause },
    );
  return new LlavaError(
    'ERR_WRITE',
    `Cannot write ${path}: ${message}. HF_HUB_CACHE names another folder for the cache.`,
    { path },
    { cause },
  );
}
