/**
 * Converts a checkpoint whose weights come one file after the other: what a file holds is written to its places in the two
 * GGUF files, and then the file may go. What is done is noted beside them when it is on the disk, so that a later call goes
 * on behind it; nothing of it has the name that a whole file has.
 */
import { rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { native } from '../addon/load-addon.js';
import type { NativeBinding } from '../binding.js';
import { makeFolder } from '../files/make-folder.js';
import { readText } from '../files/read-whole.js';
import { writeError, writeWhole } from '../files/whole-file.js';
import { withFile } from '../files/with-file.js';
import { isRecord, parseJson } from '../option-checks.js';
import { openCheckpoint, type ReadWeights } from './checkpoint.js';
import { checkpointError } from './checkpoint-error.js';
import { type ConvertOptions, planConversion } from './convert.js';
import type { PlannedTensor } from './gguf-plan.js';
import type { Output } from './output-files.js';
import { readSafetensors } from './safetensors.js';
import { planDigest, SourceDigest } from './source-digest.js';
import { writeHeader, writePieces } from './write-gguf.js';

/** The weights of a checkpoint folder that lie elsewhere. */
export interface Shards {
  readHeader: ReadWeights;
  /** Has the file, whole, while `work` runs. @param path as in its header */
  lend(path: string, work: (place: string) => Promise<void>): Promise<void>;
}

export interface ConvertShardsOptions
  extends Pick<
    ConvertOptions,
    'checkpoint' | 'outdir' | 'outtype' | 'name' | 'source' | 'signal' | 'onProgress'
  > {
  shards: Shards;
}

const JOURNAL = 'done.json';

/** @returns the paths of both files, of which the mmproj may have been taken away when an earlier call had them whole
 *  @throws ERR_CHECKPOINT, ERR_WRITE, what `shards` does, signal.reason */
export async function convertShards(
  { shards, ...options }: ConvertShardsOptions,
  binding: NativeBinding = native(),
): Promise<{ model: string; mmproj: string }> {
  const { outdir, signal } = options;
  const checkpoint = await openCheckpoint(options.checkpoint, shards.readHeader);
  const { outputs } = await planConversion(checkpoint, options);
  const tensors = outputs.flatMap(({ plan }) => plan.tensors);
  const files = [...new Set(tensors.map(({ source }) => source.file))].sort();
  const done = await resume(outdir, outputs, files);
  const report = reporter(tensors, done, options);
  for (const file of files.filter((one) => !done.has(basename(one))))
    await shards.lend(file, async (place) => {
      await checkHeader(file, place, shards.readHeader);
      const digest = new SourceDigest();
      for (const { plan, path } of outputs)
        await writePieces(path, plan, {
          ...{ binding, digest, onRows: report(path), ...(signal && { signal }) },
          tensors: plan.tensors.flatMap((tensor) => movedTo(place, file, tensor)),
        });
      done.set(basename(file), digest.lines());
      await writeJournal(outdir, done);
    });
  await finish(outputs, new SourceDigest([...done.values()].flat()).finish(), binding);
  const [mmproj, model] = outputs as [Output, Output];
  return { model: model.path, mmproj: mmproj.path };
}

/** A tensor of a file, read from where the file is now; nothing for those of other files. */
function movedTo(place: string, file: string, tensor: PlannedTensor): PlannedTensor[] {
  const { source } = tensor;
  return source.file === file ? [{ ...tensor, source: { ...source, file: place } }] : [];
}

/** That the header by which all was planned is the file's. */
async function checkHeader(file: string, place: string, planned: ReadWeights): Promise<void> {
  const whole = (await readSafetensors(place)).tensors.map((tensor) => ({ ...tensor, file }));
  if (JSON.stringify(whole) !== JSON.stringify((await planned(file)).tensors))
    throw checkpointError(file, 'its header is not the one that came before the file itself.');
}

/** Digest lines by the names of the files that are done. */
type Done = Map<string, string[]>;

/** What an earlier call has done; where that is nothing of use, two files without anything in them. */
async function resume(outdir: string, outputs: Output[], files: string[]): Promise<Done> {
  const journal = parseJson(await readText(join(outdir, JOURNAL)).catch(() => ''));
  const done: Done = new Map(isJournal(journal) ? Object.entries(journal) : []);
  const isWhole = files.every((file) => done.has(basename(file)));
  const [mmproj, model] = await Promise.all(outputs.map(({ path }) => isThere(path)));
  if (done.size > 0 && model && (mmproj || isWhole)) return done;
  await makeFolder(outdir);
  await rm(join(outdir, JOURNAL), { force: true });
  for (const { path } of outputs) {
    await rm(path, { force: true });
    await withFile(path, 'wx', async () => {}).catch((cause) => {
      throw writeError(path, cause);
    });
  }
  return new Map();
}

function isJournal(value: unknown): value is Record<string, string[]> {
  const areLines = (lines: unknown) =>
    Array.isArray(lines) && lines.every((line) => typeof line === 'string');
  return isRecord(value) && Object.values(value).every(areLines);
}

async function writeJournal(outdir: string, done: Done): Promise<void> {
  await writeWhole(join(outdir, JOURNAL), JSON.stringify(Object.fromEntries(done)));
}

/** Writes the headers, once the digest in them is known: whoever is at these files, now or too late, writes the same bytes. */
async function finish(outputs: Output[], digest: string, binding: NativeBinding): Promise<void> {
  for (const { path, plan } of outputs) {
    if (!(await isThere(path))) continue;
    planDigest(plan, digest);
    await writeHeader(path, plan, binding);
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** What is done is counted in bytes that were read. */
function reporter(
  tensors: PlannedTensor[],
  done: Done,
  { onProgress }: Pick<ConvertOptions, 'onProgress'>,
) {
  const sum = (of: PlannedTensor[]) => of.reduce((bytes, { source }) => bytes + source.bytes, 0);
  const size = sum(tensors);
  let bytes = sum(tensors.filter(({ source }) => done.has(basename(source.file))));
  return (path: string) => (more: number) => {
    bytes += more;
    onProgress?.(Math.min(1, bytes / size), basename(path));
  };
}
