import type { NativeBinding, NativeCancel } from '../binding.js';

/** Runs native work that a signal can cancel; work that came to its end all the same returns its result.
 *  @throws signal.reason when aborted */
export async function callCancellable<T>(
  binding: NativeBinding,
  signal: AbortSignal | undefined,
  work: (cancel: NativeCancel) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const cancel = new binding.Cancel();
  const onAbort = () => cancel.cancel();
  signal?.addEventListener('abort', onAbort);
  try {
    return await work(cancel);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
