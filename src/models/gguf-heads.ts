/**
 * What GGUF files say they are, and which mmproj belongs to which decoder: it makes rows of the decoder's width and, where several
 * do, is of the same weights, has the same name in its header, or is called as the decoder is. The files may lie elsewhere.
 */
import { basename } from 'node:path';
import { type Outtype, outtypeOf, parseOuttype } from '../convert/outtypes.js';
import { SOURCE_DIGEST } from '../convert/source-digest.js';
import { LlavaError } from '../errors.js';
import { modelLoadError, type RemoteFile, readGgufHead } from '../gguf/reader.js';
import { readVisionConfig } from '../vision/vision-config.js';

export interface GgufPlace {
  path: string;
  /** Where its bytes are, if not in a file called so. */
  from?: RemoteFile;
}

export interface GgufHead extends GgufPlace {
  kind: 'decoder' | 'mmproj' | 'other';
  /** Of a visual row; undefined where the file does not say. */
  width: number | undefined;
  type: Outtype | undefined;
  /** What of the header tells files of one conversion. */
  digest: unknown;
  name: unknown;
}

const PART = /-\d{5}-of-\d{5}$/;

/** Whether a file is opened by the one before it. */
export function isLaterPart(path: string): boolean {
  return /-(?!00001)\d{5}-of-\d{5}\.gguf$/.test(path);
}

/** Those of the files that can be read. */
export async function readHeads(places: readonly GgufPlace[]): Promise<GgufHead[]> {
  const heads: GgufHead[] = [];
  for (const place of places) {
    if (!place.path.endsWith('.gguf') || isLaterPart(place.path)) continue;
    const head = await readHead(place).catch(unlessDamaged);
    if (head) heads.push(head);
  }
  return heads;
}

/** @throws ERR_MODEL_LOAD */
export async function readHead(place: GgufPlace): Promise<GgufHead> {
  const { metadata } = await readGgufHead(place.path, place.from);
  const architecture = metadata.get('general.architecture');
  const isAdapter = metadata.get('general.type') === 'adapter';
  const kind = isAdapter ? 'other' : architecture === 'clip' ? 'mmproj' : 'decoder';
  const width = metadata.get(`${architecture}.embedding_length`);
  return {
    ...place,
    kind,
    width: typeof width === 'number' ? width : undefined,
    type: outtypeOf(metadata.get('general.file_type')),
    digest: metadata.get(SOURCE_DIGEST),
    name: metadata.get('general.name'),
  };
}

/** @returns undefined where there is none @throws ERR_MODEL_LOAD for several */
export async function mmprojOf(
  decoder: GgufHead,
  heads: readonly GgufHead[],
): Promise<GgufHead | undefined> {
  const fitting: GgufHead[] = [];
  for (const head of heads) {
    if (head.kind !== 'mmproj') continue;
    // One that is damaged, or another model's, is no candidate.
    const config = await readVisionConfig(head.path, head.from).catch(unlessDamaged);
    if (config?.nProjection === decoder.width) fitting.push(head);
  }
  const [only, ...more] = inUsualType(belonging(fitting, decoder), decoder);
  if (!only || more.length === 0) return only;
  throw modelLoadError(decoder.path, oneOf([only, ...more], 'mmproj'));
}

/** Those that belong to a file, by each thing that tells some of them from others. */
export function belonging(candidates: readonly GgufHead[], to: GgufHead): readonly GgufHead[] {
  const tests: ((head: GgufHead) => boolean)[] = [
    ({ digest }) => digest !== undefined && digest === to.digest,
    ({ name }) => name !== undefined && name === to.name,
    ({ path }) => stem(path) === stem(to.path),
  ];
  return tests.reduce((left, isSame) => {
    const same = left.filter(isSame);
    return same.length > 0 ? same : left;
  }, candidates);
}

/** Of files of the same weights f16, which `convert` makes unless asked for another, or f32 beside a decoder in f32. */
function inUsualType(candidates: readonly GgufHead[], decoder: GgufHead): readonly GgufHead[] {
  const digests = new Set(candidates.map(({ digest }) => digest));
  const usual = ['f32', 'f16'].slice(decoder.type === 'f32' ? 0 : 1);
  const wanted = usual.find((name) => candidates.some(({ type }) => type === name));
  const ofType = candidates.filter(({ type }) => type === wanted);
  return digests.size === 1 && !digests.has(undefined) && ofType.length === 1 ? ofType : candidates;
}

/** "ov" of ov-q8_0.gguf, mmproj-ov-f16.gguf and OV.mmproj-f16.gguf */
function stem(path: string): string {
  const words = basename(path, '.gguf').toLowerCase().replace(PART, '').split(/[-.]/);
  const isType = (word: string) => word === 'fp16' || parseOuttype(word) !== undefined;
  return words.filter((word) => word !== 'mmproj' && !isType(word)).join('-');
}

export function oneOf(found: readonly GgufHead[], what: 'decoder' | 'mmproj'): string {
  const flag = what === 'mmproj' ? ' (`mmproj`)' : '';
  return found.length === 0
    ? `no ${what} that goes with it lies beside it. Give both.`
    : `several files beside it could be its ${what}: ${found.map(({ path }) => basename(path)).join(', ')}. Say which${flag}.`;
}

function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof LlavaError) || error.code !== 'ERR_MODEL_LOAD') throw error;
}
