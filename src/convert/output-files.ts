/**
 * Carries out plans, whole files or none: each is written under a temporary name beside its target, synced, and checked
 * if asked for; when all are done they are renamed, so that a target name never holds part of a file.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { NativeBinding } from '../binding.js';
import { LlavaError } from '../errors.js';
import { splitPaths } from '../gguf/split-files.js';
import { elementCount, type GgufPlan } from './gguf-plan.js';
import { splitPlan } from './split-plan.js';
import { checkGguf, writeGguf } from './write-gguf.js';

export interface Output {
  path: string;
  plan: GgufPlan;
  /** Bytes of tensors beyond which the file becomes several; by default it stays one. */
  splitMaxSize?: number;
}

export interface WrittenFile {
  /** Of a decoder in several files: the first, by which it is opened. */
  path: string;
  bytes: number;
  tensors: number;
  parameters: number;
  /** Of `path`, in hex, if asked for. */
  sha256?: string;
  /** All parts of a split file. */
  parts?: { path: string; bytes: number; sha256?: string }[];
}

export interface OutputOptions {
  binding: NativeBinding;
  checksum?: boolean;
  /** Read everything again, and compare each tensor with its source. */
  verify?: boolean;
  signal?: AbortSignal;
  onProgress?: (fraction: number, detail: string) => void;
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
    await prepare(folder, parts);
  try {
    await writeParts(parts, options);
    options.signal?.throwIfAborted();
    // The first part last: it is the one by which the others are opened.
    for (const { path, temporary } of parts.toReversed())
      await rename(temporary, path).catch((cause) => {
        throw writeError(path, cause);
      });
  } finally {
    for (const { temporary } of parts) await rm(temporary, { force: true });
  }
  return Promise.all(split.map(describe));
}

function partsOf({ path, plan, splitMaxSize = Number.POSITIVE_INFINITY }: Output): Part[] {
  const plans = splitPlan(plan, splitMaxSize);
  const paths = plans.length === 1 ? [path] : splitPaths(path, plans.length);
  return plans.map((plan, index) => {
    const path = paths[index]!;
    const temporary = join(
      dirname(path),
      `${temporaryPrefix(path)}${process.pid}-${randomBytes(4).toString('hex')}.tmp`,
    );
    return { path, plan, temporary };
  });
}

function temporaryPrefix(path: string): string {
  return `.${basename(path)}.`;
}

/** Makes the folder, and clears it of what processes that were killed have left of the same files. */
async function prepare(folder: string, parts: Part[]): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw writeError(folder, cause);
  });
  for (const name of await readdir(folder))
    for (const { path } of parts) {
      const prefix = temporaryPrefix(path);
      const [, pid] = name.startsWith(prefix)
        ? (/^(\d+)-\w+\.tmp$/.exec(name.slice(prefix.length)) ?? [])
        : [];
      if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
    }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function writeParts(parts: Part[], options: OutputOptions): Promise<void> {
  const { verify = false, onProgress, ...rest } = options;
  const sourceBytes = parts
    .flatMap(({ plan }) => plan.tensors)
    .reduce((sum, { source }) => sum + source.bytes, 0);
  const totalBytes = sourceBytes * (verify ? 2 : 1);
  let doneBytes = 0;
  const report = (doing: string) => ({
    ...rest,
    onRows: (bytes: number) => {
      doneBytes += bytes;
      onProgress?.(Math.min(1, doneBytes / totalBytes), doing);
    },
  });
  for (const part of parts)
    part.sha256 = await writeGguf(part.temporary, part.plan, report(basename(part.path)));
  if (!verify) return;
  for (const { temporary, plan, path } of parts)
    await checkGguf(temporary, plan, report(`${basename(path)}, checking`));
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

function writeError(path: string, cause: unknown): LlavaError {
  return new LlavaError(
    'ERR_WRITE',
    `Cannot write ${path}: ${(cause as Error).message}`,
    { path },
    { cause },
  );
}
