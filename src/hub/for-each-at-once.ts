import { setMaxListeners } from 'node:events';

/** Does a piece of work for each item, several at once; the first failure stops the others, which are waited for.
 *  @throws that failure */
export async function forEachAtOnce<T>(
  items: readonly T[],
  { limit, signal }: { limit: number; signal?: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  // Each item listens; Node would warn of a leak beyond ten.
  setMaxListeners(0, either);
  const failures: unknown[] = [];
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      if (either.aborted) return;
      await work(item, either);
    }
  };
  const workers = Array.from({ length: Math.min(limit, items.length) }, () =>
    worker().catch((error) => {
      failures.push(error);
      failed.abort(error);
    }),
  );
  await Promise.all(workers);
  signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}
