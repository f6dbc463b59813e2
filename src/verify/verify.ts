/**
 * Compares converted files with known answers of their model: sizes, tokens, logits of the first positions, and, given the
 * picture, its visual rows and how answers about it begin.
 */
import { backendFor } from '../addon/load-addon.js';
import { invalidArgument } from '../errors.js';
import { readDecoderFile } from '../gguf/decoder-file.js';
import { readGguf } from '../gguf/reader.js';
import { collectTensors } from '../gguf/split-files.js';
import { LlavaOneVision } from '../llava-onevision.js';
import { loadEngine } from '../load/load-engine.js';
import { resolveLoadOptions } from '../load/load-options.js';
import { planLoad, readModelFiles } from '../load/load-plan.js';
import {
  aFunction,
  aPath,
  aSignal,
  checkTable,
  type OptionCheck,
  unchecked,
} from '../option-table.js';
import { readVisionConfig } from '../vision/vision-config.js';
import { coarsestType } from './bounds.js';
import type { Checked, VerifyOptions } from './checked.js';
import { chooseTable } from './choose-table.js';
import { checkLogits, checkPrompts, checkTokens } from './decoder-checks.js';
import { checkGeometry, checkImageFile, checkPicture } from './picture-checks.js';
import { type CheckResult, exact, skipped, type VerifyReport } from './report.js';

/** Positions beside those of the picture or of the table's tokens. */
const CONTEXT = 1024;

const VERIFY_OPTIONS: Record<keyof VerifyOptions, OptionCheck> = {
  model: aPath,
  mmproj: aPath,
  table: aPath,
  image: aPath,
  signal: aSignal,
  onProgress: aFunction,
  // As `load` takes them, which checks them.
  threads: unchecked,
  backend: unchecked,
  gpuLayers: unchecked,
  devices: unchecked,
  tensorSplit: unchecked,
  mainDevice: unchecked,
  log: unchecked,
};

/** @throws ERR_INVALID_ARGUMENT, ERR_IMAGE_DECODE for a picture that cannot be read, and what LlavaOneVision.load and chats do */
export async function verify(given: VerifyOptions): Promise<VerifyReport> {
  const options = checkTable<VerifyOptions>(given, VERIFY_OPTIONS, ['model']);
  const { model, mmproj, table: wanted, image } = options;
  const decoder = await readDecoderFile(model);
  const table = await chooseTable(decoder, wanted);
  if (image !== undefined && !(table.picture && mmproj !== undefined))
    throw invalidArgument('image', 'an mmproj and a table with a picture to go with it', image);
  const types = {
    model: coarsestType(await collectTensors(decoder.gguf)),
    mmproj: mmproj === undefined ? '' : coarsestType((await readGguf(mmproj)).tensors),
  };
  const vision = mmproj === undefined ? null : await readVisionConfig(mmproj);
  const { dialect = 'llava-next' } = table;
  const common = { table, dialect, decoder, vision, types, options };
  const { checks, isOnGpu } = await runChecks(common);
  return {
    table: table.name,
    ...(table.source && { source: table.source }),
    model: { path: model, type: types.model },
    mmproj: mmproj === undefined ? null : { path: mmproj, type: types.mmproj },
    isOnGpu,
    checks,
    passed: checks.every(({ status }) => status !== 'fail'),
  };
}

async function runChecks(
  common: Omit<Checked, 'isOnGpu'>,
): Promise<{ checks: CheckResult[]; isOnGpu: boolean }> {
  const { table, decoder, options } = common;
  const { nLayer: layers, nEmbd: embeddingSize } = decoder;
  const checks = [exact('sizes', table.model, { layers, embeddingSize })];
  if (checks[0]!.status === 'fail') {
    checks.push(skipped('everything else', 'it is another model'));
    return { checks, isOnGpu: false };
  }
  checks.push(...checkGeometry({ ...common, picture: table.picture }));
  const file = await checkImageFile(common);
  checks.push(...file);
  const isPicture = options.image !== undefined && file.every(({ status }) => status === 'pass');
  const { engine, plan } = await load(common, isPicture);
  const checked = { ...common, isOnGpu: plan.gpuLayers > 0 || plan.visionOnGpu };
  const model = new LlavaOneVision(engine, plan);
  try {
    checks.push(...checkTokens(checked, engine), ...(await checkPrompts(checked, engine)));
    checks.push(...(await checkLogits(checked, engine)));
    checks.push(...(await checkPicture(checked, isPicture ? model : null, engine)));
  } finally {
    await model.dispose();
  }
  return { checks, isOnGpu: checked.isOnGpu };
}

async function load(
  { table, dialect, decoder, options }: Omit<Checked, 'isOnGpu'>,
  hasPicture: boolean,
) {
  const { model, mmproj, log, signal, onProgress } = options;
  const { threads, backend, gpuLayers, devices, tensorSplit, mainDevice } = options;
  const forPicture = hasPicture ? (table.picture?.rows ?? decoder.nCtxTrain) : 0;
  const positions = CONTEXT + Math.max(table.logits?.tokens.length ?? 0, forPicture);
  const settings = resolveLoadOptions({
    model,
    dialect,
    threads,
    backend,
    gpuLayers,
    devices,
    tensorSplit,
    mainDevice,
    log,
    signal,
    ...(hasPicture && { mmproj }),
    contextSize: Math.min(positions, decoder.nCtxTrain),
    // What is compared is the files, not the cache.
    kvType: 'f32',
    maxSequences: 1,
    prefixCache: false,
    onProgress: ({ fraction }: { fraction: number }) => onProgress?.('load', fraction),
  });
  const files = await readModelFiles(settings);
  const addon = backendFor(settings.backend);
  const plan = planLoad(files, settings, addon);
  return { engine: await loadEngine(files, plan, { settings, binding: addon.binding }), plan };
}
