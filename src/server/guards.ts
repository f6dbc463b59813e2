/**
 * What is looked at before a body is read: whether the server still takes requests, the name it was called by, whose page asks,
 * and the key. Decided by the route that was matched and its headers, never by the text of a URL.
 */
import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.js';
import type { ApiKeys } from './keys.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without a key. */
    isPublic?: boolean;
  }
}

/** Over the loopback interface, or a socket that is no network's. */
export function isOwnMachine({ socket }: FastifyRequest): boolean {
  const { localAddress } = socket;
  return localAddress === undefined || /^(?:127\.|::1$|::ffff:127\.)/.test(localAddress);
}

/** A page of another site can give itself a name that resolves to this machine, but not a bare address; and browsers always
 *  send a name. @throws 421 */
export function checkHost(request: FastifyRequest, allowed: ReadonlySet<string>): void {
  if (request.headers.host === undefined) return;
  const name = hostName(request.headers.host);
  if (isIP(name) !== 0 || name === 'localhost' || allowed.has('*') || allowed.has(name)) return;
  throw new ApiError(421, 'This server does not go by that name; its owner may allow it.', {
    code: 'wrong_host',
  });
}

function hostName(host: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(host) ?? [];
  return (bracketed ?? plain ?? '').toLowerCase();
}

/** Headers for a page of a site that is allowed; for others none, so that browsers keep the answer from them. */
export function allowOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: ReadonlySet<string>,
): boolean {
  if (allowed.size > 0) reply.header('vary', 'origin');
  const { origin } = request.headers;
  if (origin === undefined || !(allowed.has('*') || allowed.has(origin))) return false;
  reply.header('access-control-allow-origin', allowed.has('*') ? '*' : origin);
  reply.header('access-control-expose-headers', 'x-request-id, retry-after');
  return true;
}

/** What a browser asks before it sends JSON. */
export function preflight(reply: FastifyReply): FastifyReply {
  return reply
    .code(204)
    .header('access-control-allow-methods', 'GET, POST, DELETE')
    .header('access-control-allow-headers', 'authorization, content-type, x-api-key, x-request-id')
    .header('access-control-max-age', '600')
    .send();
}

/** The owner of the key that the request shows. @throws 401 */
export function ownerOf(request: FastifyRequest, keys: ApiKeys): string {
  const { authorization, 'x-api-key': other } = request.headers;
  const bearer = authorization === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(authorization);
  if (bearer === null) throw unauthorized('The header Authorization is not a Bearer key.');
  const given = [bearer?.[1], other].filter((key) => key !== undefined).map(String);
  const [key] = given;
  if (key === undefined) throw unauthorized('A key is needed: Authorization: Bearer KEY.');
  if (given.some((one) => one !== key))
    throw unauthorized('Authorization and x-api-key show different keys.');
  const owner = keys.ownerOf(key);
  if (owner === undefined) throw unauthorized('The key is not valid here.');
  return owner;
}

function unauthorized(message: string): ApiError {
  const headers = { 'www-authenticate': 'Bearer' };
  return new ApiError(401, message, { code: 'invalid_api_key', headers });
}
