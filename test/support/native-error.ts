/** Errors as the addon throws them. */
import { LlavaError, type LlavaErrorCode } from '../../src/errors.js';

/** As `translateErrors` gives it. */
export function nativeError(code: LlavaErrorCode, fields: Record<string, unknown> = {}): Error {
  return new LlavaError(code, `fake ${code}`, fields);
}
