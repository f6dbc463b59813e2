/**
 * Which GGUF files belong together: told by their headers, so that names do not matter. A decoder's vision file lies in its
 * folder, makes rows of the decoder's width and, where several do, is of the same weights.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Outtype, outtypeOf } from '../convert/outtypes.js';
import { SOURCE_DIGEST } from '../convert/source-digest.js';
import { LlavaError } from '../errors.js';
import { modelLoadError, readGgufHead } from '../gguf/reader.js';
import { readVisionConfig } from '../vision/vision-config.js';

export interface ModelFiles {
  /** Path of the decoder. */
  model: string;
  /** Path of its vision file; null where there is none. */
  mmproj: string | null;
}

interface GgufHead {
  path: string;
  kind: 'decoder' | 'mmproj' | 'other';
  /** Of a visual row; undefined where the file does not say. */
  width: number | undefined;
  type: Outtype | undefined;
  /** What of the header tells files of one conversion. */
  digest: unknown;
  name: unknown;
}

/** @throws ERR_MODEL_LOAD for an mmproj without its decoder, for several that would do, for a file that is no GGUF */
export async function filesOf(path: string): Promise<ModelFiles> {
  const head = await readHead(path);
  if (head.kind !== 'mmproj') return { model: path, mmproj: await mmprojBeside(head) };
  const decoders = (await headsIn(dirname(path))).filter(({ kind }) => kind === 'decoder');
  const config = await readVisionConfig(path);
  const fitting = ofSameWeights(
    decoders.filter(({ width }) => width === config.nProjection),
    head,
  );
  if (fitting.length !== 1)
    throw modelLoadError(path, `it is an mmproj (vision) file; ${oneOf(fitting, 'decoder')}`);
  return { model: fitting[0]!.path, mmproj: path };
}

/** The one decoder of a folder. @param type of it, where there are several @returns undefined for a folder without any
 *  @throws ERR_MODEL_LOAD for several */
export async function filesIn(
  folder: string,
  type: Outtype | undefined,
): Promise<ModelFiles | undefined> {
  const decoders = (await headsIn(folder)).filter(({ kind }) => kind === 'decoder');
  if (decoders.length === 0) return undefined;
  const wanted = type === undefined ? decoders : decoders.filter((head) => head.type === type);
  if (wanted.length === 1)
    return { model: wanted[0]!.path, mmproj: await mmprojBeside(wanted[0]!) };
  const found = decoders.map((head) => `${basename(head.path)} (${head.type ?? 'unknown type'})`);
  throw new LlavaError(
    'ERR_MODEL_LOAD',
    `Expected one decoder ${type ? `of type ${type} ` : ''}in ${folder} but found ${wanted.length === 0 ? 'none' : 'several'}: ` +
      `${found.join(', ')}. Name the file, or its type after a colon: ${folder}:${decoders[0]!.type ?? 'TYPE'}`,
    { path: folder, candidates: decoders.map((head) => head.path) },
  );
}

async function mmprojBeside(decoder: GgufHead): Promise<string | null> {
  const fitting: GgufHead[] = [];
  for (const head of await headsIn(dirname(decoder.path))) {
    if (head.kind !== 'mmproj') continue;
    // One that is damaged, or another model's, is no candidate.
    const config = await readVisionConfig(head.path).catch(() => undefined);
    if (config?.nProjection === decoder.width) fitting.push(head);
  }
  const [only, ...more] = ofSameWeights(fitting, decoder);
  if (!only) return null;
  if (more.length === 0) return only.path;
  throw modelLoadError(decoder.path, oneOf([only, ...more], 'mmproj'));
}

/** Those that are, if any is. */
function ofSameWeights(candidates: GgufHead[], { digest, name }: GgufHead): GgufHead[] {
  for (const isSame of [
    (head: GgufHead) => digest !== undefined && head.digest === digest,
    (head: GgufHead) => name !== undefined && head.name === name,
  ]) {
    const same = candidates.filter(isSame);
    if (same.length > 0) return same;
  }
  return candidates;
}

function oneOf(found: GgufHead[], what: 'decoder' | 'mmproj'): string {
  const flag = what === 'mmproj' ? ' (`mmproj`)' : '';
  return found.length === 0
    ? `no ${what} that goes with it lies beside it. Give both.`
    : `several files beside it could be its ${what}: ${found.map(({ path }) => basename(path)).join(', ')}. Say which${flag}.`;
}

async function headsIn(folder: string): Promise<GgufHead[]> {
  const names = (await readdir(folder || '.').catch(() => [])).sort();
  const heads: GgufHead[] = [];
  for (const name of names) {
    const isLaterPart = /-(?!00001)\d{5}-of-\d{5}\.gguf$/.test(name);
    if (!name.endsWith('.gguf') || isLaterPart) continue;
    const head = await readHead(join(folder, name)).catch(() => undefined);
    if (head) heads.push(head);
  }
  return heads;
}

async function readHead(path: string): Promise<GgufHead> {
  const { metadata } = await readGgufHead(path);
  const architecture = metadata.get('general.architecture');
  const isAdapter = metadata.get('general.type') === 'adapter';
  const kind = isAdapter ? 'other' : architecture === 'clip' ? 'mmproj' : 'decoder';
  const width = metadata.get(`${architecture}.embedding_length`);
  return {
    path,
    kind,
    width: typeof width === 'number' ? width : undefined,
    type: outtypeOf(metadata.get('general.file_type')),
    digest: metadata.get(SOURCE_DIGEST),
    name: metadata.get('general.name'),
  };
}
