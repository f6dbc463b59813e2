/** Which GGUF files of a folder belong together, whatever they are called. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Outtype } from '../convert/outtypes.js';
import { LlavaError } from '../errors.js';
import { modelLoadError } from '../gguf/reader.js';
import { readVisionConfig } from '../vision/vision-config.js';
import { belonging, type GgufHead, mmprojOf, oneOf, readHead, readHeads } from './gguf-heads.js';

export interface ModelFiles {
  /** Path of the decoder. */
  model: string;
  /** Path of its vision file; null where there is none. */
  mmproj: string | null;
}

/** @throws ERR_MODEL_LOAD for an mmproj without its decoder, for several that would do, for a file that is no GGUF */
export async function filesOf(path: string): Promise<ModelFiles> {
  const head = await readHead({ path });
  if (head.kind !== 'mmproj') return { model: path, mmproj: await mmprojBeside(head) };
  const decoders = (await headsIn(dirname(path))).filter(({ kind }) => kind === 'decoder');
  const config = await readVisionConfig(path);
  const fitting = belonging(
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
  return (await mmprojOf(decoder, await headsIn(dirname(decoder.path))))?.path ?? null;
}

async function headsIn(folder: string): Promise<GgufHead[]> {
  const names = (await readdir(folder || '.').catch(() => [])).sort();
  return readHeads(names.map((name) => ({ path: join(folder, name) })));
}
