/**
 * What a user calls a model, told apart: a file, a folder, the demonstration, or a repository of the hub; each with `:TYPE`
 * behind it at will. What is there on the disk comes before what is on the hub; `demo` is always the demonstration.
 */
import { stat } from 'node:fs/promises';
import { type Outtype, outtypes, parseOuttype } from '../convert/outtypes.js';
import { invalidArgument, LlavaError } from '../errors.js';
import { modelLoadError } from '../gguf/metadata.js';
import { publishedModels } from '../hub/published-models.js';
import { ggufInAddress, looksLikeRepo, parseRepo, type RepoRevision } from '../hub/repo-id.js';
import { nearest } from '../nearest.js';

export type NamedModel =
  | { kind: 'file' | 'folder'; path: string }
  | { kind: 'demo' }
  | ({ kind: 'repo' } & NamedRepo);

export interface NamedRepo extends RepoRevision {
  /** A GGUF file of it that was pasted by its address. */
  file?: string;
}

export interface ParsedName {
  model: NamedModel;
  type: Outtype | undefined;
}

export const DEMO = 'demo';

/** Names that need no owner. */
export const shortNames: readonly string[] = [DEMO, ...Object.keys(publishedModels)];

/** @param type where the name has none @throws ERR_INVALID_ARGUMENT, ERR_MODEL_LOAD for a file that is not there */
export async function parseModelName(text: string, type?: Outtype): Promise<ParsedName> {
  const onDisk = await findOnDisk(text);
  if (onDisk) return { model: onDisk, type };
  const [, name = text, suffix] = /^(.+):([^:/\\]*)$/s.exec(text) ?? [];
  const model = (await findOnDisk(name)) ?? findElsewhere(name);
  if (suffix === undefined) return { model, type };
  const ending = parseOuttype(suffix);
  if (!ending) throw unknownType(text, suffix);
  if (type !== undefined && type !== ending)
    throw invalidArgument('type', `${ending}, as '${text}' says, or none`, type);
  return { model, type: ending };
}

async function findOnDisk(text: string): Promise<NamedModel | undefined> {
  if (text.toLowerCase() === DEMO) return { kind: 'demo' };
  const info = await stat(text).catch(() => undefined);
  return info && { kind: info.isDirectory() ? 'folder' : 'file', path: text };
}

function findElsewhere(text: string): NamedModel {
  const file = ggufInAddress(text);
  const isAddress = looksLikeRepo(text) && text.split('/').length > 2;
  if (isPath(text) && !isAddress) throw modelLoadError(text, 'there is no such file or folder.');
  if (!looksLikeRepo(text)) throw unknownName(text);
  return { kind: 'repo', ...parseRepo(text), ...(file !== undefined && { file }) };
}

/** What can only be meant as a place on the disk. */
function isPath(text: string): boolean {
  return /^(\.{0,2}|~|[a-z]:)[/\\]|\.(gguf|safetensors)$/i.test(text);
}

function unknownName(name: string): LlavaError {
  const meant = nearest(name.toLowerCase(), shortNames) ?? publishedWithin(name.toLowerCase());
  return new LlavaError(
    'ERR_INVALID_ARGUMENT',
    `There is no file, folder or model called ${JSON.stringify(name)}.${meant ? ` Did you mean ${meant}?` : ''} ` +
      `Expected a GGUF file, a folder, OWNER/NAME on the hub, or one of ${shortNames.join(', ')}; with :TYPE at will.`,
    { argument: 'model', expected: 'a model', received: name },
  );
}

/** "7b", and a repository's name without its owner. */
function publishedWithin(name: string): string | undefined {
  const [, size, kind = '-ov', chat = ''] = /(\d+(?:\.\d+)?b)(-ov|-si)?(-chat)?/.exec(name) ?? [];
  return shortNames.find((one) => one === `${size}${kind}${chat}`);
}

function unknownType(text: string, suffix: string): LlavaError {
  const meant = nearest(suffix.toLowerCase(), outtypes);
  return invalidArgument(
    'model',
    `a type after the colon${meant ? ` (did you mean ${meant}?)` : ''}, one of ${outtypes.join(', ')},`,
    text,
  );
}
