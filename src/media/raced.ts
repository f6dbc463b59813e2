/** Waiting that ends: at the work's end, at an abort, or when nothing has come for too long. */

export interface RaceLimits {
  signal?: AbortSignal | undefined;
  /** Milliseconds; none when absent. */
  idleMs?: number | undefined;
  /** The error of a wait that took longer. */
  tooLong?: () => Error;
}

/** Whoever loses is not waited for: it may never settle. @throws signal.reason, or what `tooLong` gives */
export async function raced<T>(work: Promise<T>, limits: RaceLimits): Promise<T> {
  const { signal, idleMs, tooLong = () => new Error(`Nothing came for ${idleMs} ms`) } = limits;
  work.catch(() => {}); // it may fail after the race
  signal?.throwIfAborted();
  let onAbort = () => {};
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal!.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (idleMs !== undefined) timer = setTimeout(() => reject(tooLong()), idleMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
