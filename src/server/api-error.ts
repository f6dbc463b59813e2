/** What a client is told when something fails, in OpenAI's form. Messages name no address, no path and no content. */
import { LlavaError } from '../errors.js';
import { snakeCase, snakeCased } from './snake-case.js';

export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}

interface ErrorFacts {
  param?: string | null | undefined;
  code?: string | undefined;
  /** Of the answer, as `retry-after`. */
  headers?: Readonly<Record<string, string>>;
}

export class ApiError extends Error {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, { param, code, headers = {} }: ErrorFacts = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    const type = TYPES[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error');
    this.body = { error: { message, type, param: param ?? null, code: code ?? null } };
    this.headers = headers;
  }
}

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** 400. @param param the field of the request that is wrong */
export function badRequest(param: string | null, message: string, code?: string): ApiError {
  return new ApiError(400, message, { param, code });
}

/** No second try will do better. */
export const NO_RETRY = { 'x-should-retry': 'false' } as const;

const INTERNAL = 'The server failed; its log has the request by its x-request-id.';

/** @param param the field of the request that caused it, where the error itself does not know */
export function apiError(error: unknown, param?: string): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof LlavaError) return ofLlavaError(error, param);
  return ofFastifyError(error) ?? new ApiError(500, INTERNAL, { code: 'internal_error' });
}

function ofLlavaError(error: LlavaError, param: string | undefined): ApiError {
  const { code } = error;
  const lower = code.toLowerCase().replace(/^err_/, '');
  switch (code) {
    case 'ERR_INVALID_ARGUMENT': {
      const argument = snakeCase(String(error.argument ?? ''));
      return badRequest(param ?? (argument || null), withoutPaths(snakeCased(error.message)));
    }
    case 'ERR_SCHEMA':
      return badRequest(param ?? 'response_format', error.message, 'invalid_schema');
    case 'ERR_IMAGE_DECODE':
    case 'ERR_VIDEO_DECODE':
      return badRequest(param ?? 'messages', withoutPaths(error.message), lower);
    case 'ERR_FFMPEG_NOT_FOUND':
      return new ApiError(501, 'This server has no ffmpeg, so it reads no clips; send frames.', {
        ...{ param: param ?? 'messages', code: 'clips_not_supported', headers: NO_RETRY },
      });
    case 'ERR_CONTEXT_FULL':
      return tooLong(Number(error.nNeeded), Number(error.nCtx));
    case 'ERR_DISPOSED':
      return new ApiError(503, 'The model is not loaded any more.', { code: 'unavailable' });
    case 'ERR_OUT_OF_MEMORY':
      return new ApiError(503, 'There is not enough memory for the model.', { code: lower });
    default:
      return new ApiError(500, INTERNAL, { code: 'internal_error' });
  }
}

/** A prompt that will never fit. */
export function tooLong(needed: number, limit: number): ApiError {
  const message =
    `The prompt takes at least ${needed} positions, pictures included, but this model's context has ${limit}; ` +
    'shorten it or send fewer or smaller pictures.';
  return badRequest('messages', message, 'context_length_exceeded');
}

/** What the decoders of others write may name temporary files and addresses. */
function withoutPaths(message: string): string {
  const place =
    /(?:[a-z]+:\/)?\/[\w.-]+\/\S+|\b\d{1,3}(?:\.\d{1,3}){3}\b|\[[\da-f:]*:[\da-f:.]*\]/i;
  return place.test(message) ? 'A picture or clip of the request cannot be decoded.' : message;
}

const FASTIFY: Readonly<Record<string, [string, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['Send the header Content-Type: application/json.', 'media_type'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['The body is larger than this server takes.', 'body_too_large'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['The body is not as long as its header says.', 'bad_body'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['The body is empty; a JSON object is expected.', 'bad_body'],
};

function ofFastifyError(error: unknown): ApiError | undefined {
  const { code = '', statusCode } = error as { code?: string; statusCode?: number };
  const known = FASTIFY[code];
  if (known) return new ApiError(statusCode!, known[0], { code: known[1] });
  if (!code.startsWith('FST_') || !statusCode || statusCode >= 500) return undefined;
  return new ApiError(statusCode, 'The request cannot be read.', { code: 'bad_request' });
}
