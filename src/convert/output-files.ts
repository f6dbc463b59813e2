/**
 * Carries out plans, whole files or none: each is written under a temporary name beside its target, synced, and checked
 * if asked for; when all are done they are renamed, so that a target name never holds part of a file.
 */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { NativeBinding } from '../binding.js';
import { prepareFolder, temporaryName, writeError, writeWhole } from '../files/whole-file.js';
import {
  checksumPath,
  checksumText,
  type FileChecksum,
  sha256File,
} from '../gguf/checksum-file.js';
import { isPartOf, splitPaths } from '../gguf/split-files.js';
import { aFlag, aFunction, aSignal, type OptionCheck } from '../option-table.js';
import { elementCount, type GgufPlan, tensorBytes } from './gguf-plan.js';
import { needsDigest, SourceDigest, setDigest } from './source-digest.js';
import { splitPlan } from './split-plan.js';
import { checkGguf, writeGguf } from './write-gguf.js';

export interface Output {
  path: string;
  plan: GgufPlan;
  /** Bytes of tensors beyond which the file becomes several; by default it stays one. */
  splitMaxSize?: number;
}

export interface WrittenFile {
  /** The first of several files, by which a split decoder is opened. */
  path: string;
  bytes: number;
  tensors: number;
  parameters: number;
  /** The SHA-256 of `path`, in hex, if asked for. */
  sha256?: string;
  /** All parts of a split file. */
  parts?: { path: string; bytes: number; sha256?: string }[];
}

/** What every function that writes GGUF files lets its caller say. */
export interface WriteOptions {
  /** Compute the SHA-256 of each file. */
  checksum?: boolean;
  /** And keep it beside the file, in NAME.gguf.sha256, as `sha256sum -c` reads it. */
  checksumFiles?: boolean;
  /** Read sources and files again, and compare tensor by tensor, before the files get their names. */
  verify?: boolean;
  /** Between chunks of a few megabytes; nothing is left behind. */
  signal?: AbortSignal;
  /** @param fraction 0-1 of all files. @param detail what is being written. Must not throw. */
  onProgress?: (fraction: number, detail: string) => void;
}

export const WRITE_OPTIONS: Record<keyof WriteOptions, OptionCheck> = {
  checksum: aFlag,
  checksumFiles: aFlag,
  verify: aFlag,
  signal: aSignal,
  onProgress: aFunction,
};

interface OutputOptions extends WriteOptions {
  binding: NativeBinding;
}

interface Part {
  path: string;
  temporary: string;
  plan: GgufPlan;
  sha256?: string;
}

/** @returns what was written, in the order of `outputs`. @throws ERR_CHECKPOINT, ERR_WRITE, signal.reason */
export async function writeOutputs(
  outputs: Output[],
  options: OutputOptions,
): Promise<WrittenFile[]> {
  const split = outputs.map(partsOf);
  const parts = split.flat();
  for (const folder of new Set(parts.map(({ path }) => dirname(path))))
    await prepareFolder(
      folder,
      parts.flatMap(({ path }) => [path, checksumPath(path)]),
    );
  try {
    await writeParts(parts, options);
    options.signal?.throwIfAborted();
    // What they say is about to become wrong.
    for (const { path } of parts) await rm(checksumPath(path), { force: true });
    // The first part last: it is the one by which the others are opened.
    for (const { path, temporary } of parts.toReversed())
      await rename(temporary, path).catch((cause) => {
        throw writeError(path, cause);
      });
    for (const output of outputs) await removeFormerParts(output, parts);
  } finally {
    for (const { temporary } of parts) await rm(temporary, { force: true });
  }
  const written = await Promise.all(split.map(describe));
  if (options.checksumFiles)
    for (const file of written) {
      const files = (file.parts ?? [file]) as FileChecksum[];
      await writeWhole(checksumPath(file.path), checksumText(files));
    }
  return written;
}

/** Parts of the same file as it was cut before, which nothing belongs to any more; never what is being converted. */
async function removeFormerParts({ path, plan }: Output, parts: Part[]): Promise<void> {
  const folder = dirname(path);
  const sources = [plan.base?.file.path, ...plan.tensors.map(({ source }) => source.file)];
  const kept = new Set([...sources, ...parts.map((part) => part.path)].map((p) => p && resolve(p)));
  for (const name of await readdir(folder)) {
    const former = join(folder, name);
    if (!isPartOf(name, path) || kept.has(resolve(former))) continue;
    await rm(former, { force: true });
    await rm(checksumPath(former), { force: true });
  }
}

function partsOf({ path, plan, splitMaxSize = Number.POSITIVE_INFINITY }: Output): Part[] {
  const plans = splitPlan(plan, splitMaxSize);
  const paths = plans.length === 1 ? [path] : splitPaths(path, plans.length);
  return plans.map((plan, index) => {
    const path = paths[index]!;
    return { path, plan, temporary: temporaryName(path) };
  });
}

async function writeParts(parts: Part[], options: OutputOptions): Promise<void> {
  const { binding, signal, checksum, checksumFiles, verify } = options;
  const common = signal ? { signal } : {};
  const hasChecksums = checksum || checksumFiles;
  const report = createReport(parts, { ...options, checksum: hasChecksums });
  const digest = parts.some(({ plan }) => needsDigest(plan)) ? new SourceDigest() : undefined;
  for (const { path, plan, temporary } of parts) {
    const onRows = report(basename(path));
    await writeGguf(temporary, plan, { binding, ...common, ...(digest && { digest }), onRows });
  }
  const sha256 = digest?.finish();
  for (const { plan, temporary } of parts)
    if (sha256 && needsDigest(plan))
      await setDigest(temporary, plan, sha256).catch((cause) => {
        throw writeError(temporary, cause);
      });
  if (hasChecksums)
    for (const part of parts) {
      const onBytes = report(`${basename(part.path)}, checksum`);
      part.sha256 = await sha256File(part.temporary, { ...common, onBytes }).catch((cause) => {
        signal?.throwIfAborted();
        throw writeError(part.path, cause);
      });
    }
  if (verify)
    for (const { temporary, plan, path } of parts) {
      const onRows = report(`${basename(path)}, checking`);
      await checkGguf(temporary, plan, { binding, ...common, onRows });
    }
}

/** What is done is counted in bytes that were read. */
function createReport(parts: Part[], { checksum, verify, onProgress }: OutputOptions) {
  const tensors = parts.flatMap(({ plan }) => plan.tensors);
  const sourceBytes = tensors.reduce((sum, { source }) => sum + source.bytes, 0);
  const fileBytes = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  const totalBytes = sourceBytes * (verify ? 2 : 1) + (checksum ? fileBytes : 0);
  let doneBytes = 0;
  return (doing: string) => (bytes: number) => {
    doneBytes += bytes;
    onProgress?.(Math.min(1, doneBytes / totalBytes), doing);
  };
}

async function describe(parts: Part[]): Promise<WrittenFile> {
  const files = await Promise.all(
    parts.map(async ({ path, sha256 }) => ({
      path,
      bytes: (await stat(path)).size,
      ...(sha256 && { sha256 }),
    })),
  );
  const tensors = parts.flatMap(({ plan }) => plan.tensors);
  return {
    ...files[0]!,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    tensors: tensors.length,
    parameters: tensors.reduce((sum, { source }) => sum + elementCount(source.shape), 0),
    ...(files.length > 1 && { parts: files }),
  };
}
