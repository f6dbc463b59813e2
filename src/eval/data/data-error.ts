import { LlavaError } from '../../errors.js';

/** @param problem follows the path: 'it has no rows' */
export function dataError(path: string, problem: string, cause?: unknown): LlavaError {
  return new LlavaError(
    'ERR_EVAL_DATA',
    `Cannot use ${path}: ${problem}`,
    { path },
    cause === undefined ? undefined : { cause },
  );
}
