import type { NativeBinding, NativeCancel } from '../binding.js';
import { LlavaError, type LlavaErrorCode } from '../errors.js';

/** Runs native work; its error becomes a `LlavaError` with the caller's stack, fields kept, the original as `cause`. */
export async function callNative<T>(work: () => T | Promise<T>): Promise<Awaited<T>> {
  try {
    return await work();
  } catch (error) {
    throw fromNative(error);
  }
}

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
    return await callNative(() => work(cancel));
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function fromNative(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LlavaError) return error;
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string' || !code.startsWith('ERR_')) return error;
  return new LlavaError(code as LlavaErrorCode, error.message, { ...error }, { cause: error });
}
