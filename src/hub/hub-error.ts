/** What can go wrong between us and the hub, in words that say what to do; `retryable` where trying again may help. */
import type { IncomingHttpHeaders } from 'node:http';
import { LlavaError, type LlavaErrorCode } from '../errors.js';
import { ignoredProxy } from './proxy.js';
import type { RepoRevision } from './repo-id.js';

export interface HubAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  url: URL;
}

export interface Asked extends RepoRevision {
  endpoint: string;
  hasToken: boolean;
  /** Path in the repository, when one file was asked for. */
  file?: string;
}

/** An answer that is no success. @see https://huggingface.co/docs/huggingface_hub/package_reference/utilities#http-errors */
export function answerError(answer: HubAnswer, asked: Asked): LlavaError {
  const { status, url } = answer;
  const fields = { ...subject(asked), status, url: `${url.origin}${url.pathname}` };
  const fail = (code: LlavaErrorCode, message: string, retryable = false) =>
    new LlavaError(code, message, { ...fields, retryable, ...retryAfter(answer) });
  const said = answer.headers['x-error-message'];
  const reason = said ? `${status}: ${said}` : `${status}`;
  if (status === 429)
    return fail(
      'ERR_HUB_RATE_LIMIT',
      `The hub wants fewer requests (429). Try again later${asked.hasToken ? '' : '; with a token in HF_TOKEN the limit is higher'}.`,
      true,
    );
  // A signed address that has expired or was refused by the storage behind the hub: the next one may work.
  if (url.origin !== new URL(asked.endpoint).origin && !answer.headers['x-error-code'])
    return fail(
      'ERR_HUB_SERVER',
      `${url.host} answered ${reason} instead of sending ${name(asked)}.`,
      true,
    );
  if (status === 401) return fail('ERR_HUB_UNAUTHORIZED', unauthorized(answer, asked));
  if (status === 403) return fail('ERR_HUB_FORBIDDEN', forbidden(answer, asked, reason));
  if (status === 404) {
    const [code, message] = notFound(answer, asked);
    return fail(code, message);
  }
  return fail(
    'ERR_HUB_SERVER',
    `${asked.endpoint} answered ${reason} when asked for ${name(asked)}. ${status >= 500 ? 'Try again later.' : 'Check HF_ENDPOINT.'}`,
    status >= 500 || status === 408,
  );
}

/** A connection that could not be made, or broke. */
export function networkError(cause: unknown, asked: Asked): LlavaError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const certificate = /CERT|SELF_SIGNED|ISSUER/.test(code ?? '');
  const proxy = ignoredProxy();
  const advice = certificate
    ? 'If a proxy puts in its own certificate, name that in NODE_EXTRA_CA_CERTS.'
    : 'Check the network, and HF_ENDPOINT if it is set; what was downloaded is kept, and HF_HUB_OFFLINE=1 uses what is complete in the cache.';
  return new LlavaError(
    'ERR_HUB_NETWORK',
    `No connection to ${asked.endpoint} for ${name(asked)} (${message || code}). ${proxy ? `${proxy} ` : ''}${advice}`,
    { ...subject(asked), retryable: !certificate },
    { cause },
  );
}

/** An answer that does not mean anything, for instance the login page of a hotel. */
export function nonsenseError(
  what: string,
  asked: Asked,
  { retryable = false, cause }: { retryable?: boolean; cause?: unknown } = {},
): LlavaError {
  return new LlavaError(
    'ERR_HUB_SERVER',
    `${asked.endpoint} does not answer as the Hugging Face hub does: ${what}. Check HF_ENDPOINT and the network.`,
    { ...subject(asked), retryable },
    { cause },
  );
}

function unauthorized({ headers }: HubAnswer, asked: Asked): string {
  if (asked.hasToken)
    return `The hub refuses the token for ${name(asked)}: it is no longer valid, or may not read this repository. ${TOKENS}`;
  if (headers['x-error-code'] === 'GatedRepo')
    return `${asked.repo} is gated: accept its terms at ${page(asked)}, then give a token of that account. ${TOKENS}`;
  return `The hub shows ${name(asked)} to no one without a token: it is private, or does not exist. Check the name. ${TOKENS}`;
}

const TOKENS =
  'Tokens are made at https://huggingface.co/settings/tokens, and read from HF_TOKEN or what `hf auth login` stored.';

function forbidden({ headers }: HubAnswer, asked: Asked, reason: string): string {
  return headers['x-error-code'] === 'GatedRepo'
    ? `${asked.repo} is gated: accept its terms at ${page(asked)} with the account of the token, and wait if its owner has to agree.`
    : `The hub forbids ${name(asked)} (${reason}). A gated repository's terms are accepted at ${page(asked)}; a fine-grained token needs read access to it.`;
}

function notFound({ headers }: HubAnswer, asked: Asked): [LlavaErrorCode, string] {
  switch (
    headers['x-error-code'] ??
    (asked.file === undefined ? 'RepoNotFound' : 'EntryNotFound')
  ) {
    case 'RevisionNotFound':
      return [
        'ERR_HUB_REVISION_NOT_FOUND',
        `${asked.repo} has no revision '${asked.revision}'. Branches, tags and commits are listed at ${page(asked)}/commits.`,
      ];
    case 'EntryNotFound':
      return [
        'ERR_HUB_FILE_NOT_FOUND',
        `${asked.repo}@${asked.revision} has no file ${asked.file}.`,
      ];
    default:
      return [
        'ERR_HUB_NOT_FOUND',
        `${asked.endpoint} has no model repository ${asked.repo}. Check the name; private ones need a token that may read them.`,
      ];
  }
}

function name({ repo, revision, file }: Asked): string {
  return file === undefined ? `${repo}@${revision}` : `${file} of ${repo}`;
}

function page({ endpoint, repo }: Asked): string {
  return `${endpoint}/${repo}`;
}

function subject({ repo, revision, file }: Asked) {
  return { repo, revision, ...(file !== undefined && { file }) };
}

/** Seconds or a date. Of the requests that are left the hub says "r=REMAINING;t=SECONDS" in RateLimit, in every answer: only
 *  to one that was refused for their number does it say how long to wait. */
function retryAfter({ status, headers }: HubAnswer): { retryAfterMs?: number } {
  const limit = status === 429 ? /\bt=(\d+)/.exec(`${headers.ratelimit ?? ''}`)?.[1] : undefined;
  const seconds = headers['retry-after'] ?? limit;
  if (seconds === undefined) return {};
  const ms = /^\d+$/.test(seconds) ? Number(seconds) * 1000 : Date.parse(seconds) - Date.now();
  return Number.isNaN(ms) ? {} : { retryAfterMs: Math.max(0, ms) };
}
