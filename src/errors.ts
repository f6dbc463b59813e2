/**
 * The one error class of the package. A `code` is stable and exists only where a caller would act differently;
 * typed facts ride along as fields. Aborts are no errors of ours: they reject with `signal.reason`.
 */
export type LlavaErrorCode =
  | 'ERR_INVALID_ARGUMENT' // argument, expected, received
  | 'ERR_IMAGE_DECODE' // source
  | 'ERR_VIDEO_DECODE' // source, stderr
  | 'ERR_FFMPEG_NOT_FOUND' // tried
  | 'ERR_MODEL_LOAD' // path
  | 'ERR_MODEL_MISMATCH' // mmprojEmbd, modelEmbd
  | 'ERR_CHECKPOINT' // path, tensor: a checkpoint that cannot be converted
  | 'ERR_CONTEXT_FULL' // nPast, nNeeded, nCtx
  | 'ERR_OUT_OF_MEMORY' // needed, available (bytes); of a GPU also device, devices
  | 'ERR_ENCODE' // status
  | 'ERR_DECODE' // status
  | 'ERR_WRITE' // path; system: 'ENOSPC' or 'EDQUOT' when the addon met a full disk
  | 'ERR_SESSION_FILE' // path: not a saved session, or damaged
  | 'ERR_BATCH_RESULTS' // path: answers to other questions, by another model, or no answers
  | 'ERR_EVAL_DATA' // path, column: a dataset that lacks files or columns, or has others
  | 'ERR_EVAL_RESULTS' // path: results of another run, or damaged
  | 'ERR_ENDPOINT' // url, status: a server that does not answer as OpenAI's would
  | 'ERR_HUB_UNAUTHORIZED' // repo, revision, status: no token or a wrong one, for what is private, gated or does not exist
  | 'ERR_HUB_FORBIDDEN' // repo, revision, status: gated, or the token may not
  | 'ERR_HUB_NOT_FOUND' // repo
  | 'ERR_HUB_REVISION_NOT_FOUND' // repo, revision
  | 'ERR_HUB_FILE_NOT_FOUND' // repo, revision, file or missing
  | 'ERR_HUB_RATE_LIMIT' // repo, retryAfterMs
  | 'ERR_HUB_SERVER' // repo, status: an answer that is no answer
  | 'ERR_HUB_NETWORK' // repo: no connection, or it broke again and again
  | 'ERR_HUB_OFFLINE' // repo, revision, missing: what the cache lacks
  | 'ERR_HUB_CHECKSUM' // file, expected, actual
  | 'ERR_DISK_FULL' // path, needed, available (bytes)
  | 'ERR_SCHEMA' // pointer, keyword: a schema, or a part of it, that no grammar can keep
  | 'ERR_DISPOSED' // handle
  | 'ERR_CANCELLED' // only between the addon and its callers, who turn it into signal.reason
  | 'ERR_BINDING_NOT_FOUND' // tried, platform
  | 'ERR_BACKEND_UNAVAILABLE'; // backend, missing ('package' | 'driver' | 'device' | 'library'), tried, platform

/** @param fields become properties of the error, next to `code` and `cause`. */
export class LlavaError extends Error {
  readonly code: LlavaErrorCode;
  readonly [field: string]: unknown;

  constructor(
    code: LlavaErrorCode,
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'LlavaError';
    this.code = code;
    Object.assign(this, fields);
  }
}

/** The one message formula for a bad option: what was expected, what arrived. */
export function invalidArgument(argument: string, expected: string, received: unknown): LlavaError {
  return new LlavaError(
    'ERR_INVALID_ARGUMENT',
    `Expected ${expected} for ${argument} but received ${describe(received)}`,
    { argument, expected, received },
  );
}

/** Never throws, whatever a caller has made up. */
function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value));
  const type = value === null ? 'null' : typeof value;
  try {
    if (type !== 'object') return `${shorten(String(value))} of type ${type}`;
    const name: unknown = (value as object).constructor?.name;
    return `an instance of ${typeof name === 'string' ? shorten(name) : 'Object'}`;
  } catch {
    return `something of type ${type} that cannot be read`;
  }
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
