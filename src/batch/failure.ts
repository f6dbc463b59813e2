/** Which failures are of one question, and which would be of all that follow. */
import { LlavaError } from '../errors.js';

const FATAL = ['ERR_DISPOSED', 'ERR_FFMPEG_NOT_FOUND', 'ERR_OUT_OF_MEMORY', 'ERR_WRITE'];

/** Whether the next question need not meet it. */
export function failsOne(error: unknown): error is LlavaError {
  return error instanceof LlavaError && !FATAL.includes(error.code) && error.isFatal !== true;
}
