/** Fetches as the server does, for tests: what is refused, and that a refusal tells nothing it should not. */
import { tmpdir } from 'node:os';
import { LlavaError } from '../../src/errors.js';
import { fetchMedia, type MediaRules, mediaRules } from '../../src/server/media/fetch-media.js';
import { bounded } from './bounded.js';

export type Kind = 'image' | 'video';

export function fetched(
  url: string,
  rules: Partial<MediaRules> = {},
  kind: Kind = 'image',
  signal = new AbortController().signal,
): Promise<Uint8Array> {
  return bounded(() => fetchMedia(url, kind, mediaRules(rules), signal));
}

/** The reason. @throws unless it was refused, in words that name no address, path or pointer */
export async function refusal(...given: Parameters<typeof fetched>): Promise<string> {
  const error = await fetched(...given).then(
    () => new Error('It was fetched'),
    (error: unknown) => error,
  );
  if (!(error instanceof LlavaError)) throw error;
  const all = JSON.stringify([error.message, error.stack?.split('\n')[0], error, error.cause]);
  const leak = /\d+\.\d+\.\d+\.\d+|::1|0x[0-9a-f]{4}|ECONN|ENOTFOUND|EACCES|ENOENT/i.exec(all);
  if (leak || all.includes(tmpdir())) throw new Error(`It tells too much: ${all}`);
  return error.message;
}

export const dataUrl = (bytes: Uint8Array, type = 'image/png') =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
