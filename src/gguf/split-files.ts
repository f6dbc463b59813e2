/**
 * Decoders that gguf-split cut into `NAME-00001-of-0000N.gguf`: the first file holds the metadata, all hold tensors.
 * @see src/llama-model-loader.cpp (llama.cpp v0.5.0), which aborts the process on some of what is refused here
 */
import { basename, dirname, join } from 'node:path';
import { type GgufFile, type GgufTensor, ggufInteger, modelLoadError, readGguf } from './reader.js';

const MAX_FILES = 65535;

export interface FiledTensor extends GgufTensor {
  /** Path of the file that its offset counts in. */
  file: string;
}

/** @returns the tensors of all files; an ordinary one is one. @throws ERR_MODEL_LOAD */
export async function collectTensors(first: GgufFile): Promise<FiledTensor[]> {
  return tensorsOf(await collectFiles(first));
}

export function tensorsOf(files: readonly GgufFile[]): FiledTensor[] {
  return files.flatMap(({ path, tensors }) => tensors.map((tensor) => ({ ...tensor, file: path })));
}

/** @returns all files, in order. @throws ERR_MODEL_LOAD */
export async function collectFiles(first: GgufFile): Promise<GgufFile[]> {
  const nFiles = ggufInteger(first, 'split.count', { min: 0, max: MAX_FILES, fallback: 1 });
  if (nFiles <= 1) return [first];
  checkIndex(first, 0);
  const files = [first];
  for (const [index, path] of siblings(first.path, nFiles).entries()) {
    if (index === 0) continue;
    const file = await readGguf(path);
    checkIndex(file, index);
    checkGeneration(first, file);
    files.push(file);
  }
  const announced = ggufInteger(first, 'split.tensors.count', { min: 1, max: 2 ** 31 - 1 });
  const nTensors = tensorsOf(files).length;
  if (nTensors !== announced)
    throw modelLoadError(
      first.path,
      `its ${nFiles} files hold ${nTensors} tensors where 'split.tensors.count' says ${announced}.`,
    );
  return files;
}

/** What all files of one conversion say, as far as they say it (gguf-split repeats only the counts). */
export const SHARED_KEYS = ['general.source.sha256', 'general.file_type'];

/** Files of two conversions may have the same names. */
function checkGeneration(first: GgufFile, file: GgufFile): void {
  for (const key of ['split.count', 'split.tensors.count', ...SHARED_KEYS]) {
    const [expected, found] = [first.metadata.get(key), file.metadata.get(key)];
    if (expected !== undefined && found !== undefined && expected !== found)
      throw modelLoadError(
        file.path,
        `it belongs to another file than ${basename(first.path)}: '${key}' is ${found} here and ${expected} there. ` +
          'Convert again, or put the files of one conversion together.',
      );
  }
}

/** Names of the parts of `NAME.gguf`, as gguf-split gives them. */
export function splitPaths(path: string, nFiles: number): string[] {
  const stem = path.replace(/\.gguf$/, '');
  return Array.from({ length: nFiles }, (_, index) => stem + suffix(index, nFiles));
}

/** Whether a file is called as a part of `NAME.gguf`, however it was cut. */
export function isPartOf(name: string, path: string): boolean {
  const [, stem] = /^(.*)-\d{5}-of-\d{5}\.gguf$/.exec(name) ?? [];
  return stem !== undefined && stem === basename(path).replace(/\.gguf$/, '');
}

function suffix(index: number, nFiles: number): string {
  const number = (value: number) => String(value).padStart(5, '0');
  return `-${number(index + 1)}-of-${number(nFiles)}.gguf`;
}

function siblings(path: string, nFiles: number): string[] {
  const name = basename(path);
  const ending = suffix(0, nFiles);
  if (!name.endsWith(ending))
    throw modelLoadError(
      path,
      `it is one of ${nFiles} files; expected a name ending in '${ending}' (give the first of them).`,
    );
  return splitPaths(join(dirname(path), name.slice(0, -ending.length)), nFiles);
}

function checkIndex(file: GgufFile, index: number): void {
  const type = file.scalarTypes.get('split.no');
  if (type !== 'u16' || file.metadata.get('split.no') !== index)
    throw modelLoadError(
      file.path,
      `the key 'split.no' must be the u16 ${index} but is ${file.metadata.get('split.no')} (${type ?? 'absent'}).`,
    );
}
