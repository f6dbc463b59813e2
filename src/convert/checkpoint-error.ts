import { LlavaError } from '../errors.js';

/** @param path the file (or folder) at fault. @param tensor its tensor, where one is. */
export function checkpointError(
  path: string,
  problem: string,
  more: { tensor?: string; cause?: unknown } = {},
): LlavaError {
  const { tensor, cause } = more;
  return new LlavaError(
    'ERR_CHECKPOINT',
    `${path}: ${problem}`,
    tensor === undefined ? { path } : { path, tensor },
    { cause },
  );
}
