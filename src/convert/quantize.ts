/** An existing GGUF file in, one of another type out: matrices converted, all else as it is. Decoders and mmproj files. */
import { basename, dirname, join, resolve } from 'node:path';
import { native } from '../addon/load-addon.js';
import type { NativeBinding } from '../binding.js';
import { invalidArgument } from '../errors.js';
import { readDecoderFile } from '../gguf/decoder-file.js';
import { ggmlTypeByName } from '../gguf/ggml-types.js';
import { ggufString, modelLoadError, readGguf } from '../gguf/reader.js';
import { collectTensors, type FiledTensor } from '../gguf/split-files.js';
import { aChoice, aFlag, aPath, aSize, checkTable, type OptionCheck } from '../option-table.js';
import { decoderType } from './decoder-types.js';
import { QUANTIZATION_VERSION } from './general-entries.js';
import { fallbackNotes, type GgufEntry, type GgufPlan, type PlannedTensor } from './gguf-plan.js';
import { type Imatrix, imatrixUse, importanceOf, readImatrix } from './imatrix.js';
import { quantizeMmprojTensors } from './mmproj-requantize.js';
import {
  WRITE_OPTIONS,
  type WriteOptions,
  type WrittenFile,
  writeOutputs,
} from './output-files.js';
import {
  baseType,
  fileType,
  type MmprojOuttype,
  mmprojOuttypes,
  type Outtype,
  outtypes,
} from './outtypes.js';
import { SOURCE_DIGEST } from './source-digest.js';

export interface QuantizeOptions extends WriteOptions {
  /** A decoder (the first of its files, if split) or an mmproj. */
  file: string;
  /** For an mmproj one of `mmprojOuttypes`. */
  outtype: Outtype;
  /** Default: beside `file`, named after the type. */
  outfile?: string;
  /** Importance matrix of llama-imatrix, for decoders. */
  imatrix?: string;
  /** Convert matrices that are quantised already, which loses more than converting the original would. */
  allowRequantize?: boolean;
  splitMaxSize?: number;
}

export interface QuantizeResult extends WrittenFile {
  durationMs: number;
  notes: string[];
}

const QUANTIZE_OPTIONS: Record<keyof QuantizeOptions, OptionCheck> = {
  file: aPath,
  outtype: aChoice(outtypes),
  outfile: aPath,
  imatrix: aPath,
  allowRequantize: aFlag,
  splitMaxSize: aSize,
  ...WRITE_OPTIONS,
};

/** @throws ERR_MODEL_LOAD, ERR_WRITE, ERR_INVALID_ARGUMENT, signal.reason */
export async function quantize(
  given: QuantizeOptions,
  binding: NativeBinding = native(),
): Promise<QuantizeResult> {
  const startedAt = performance.now();
  const options = checkTable<QuantizeOptions>(given, QUANTIZE_OPTIONS, ['file', 'outtype']);
  const { file, outfile = defaultPath(options), splitMaxSize } = options;
  if (resolve(outfile) === resolve(file))
    throw invalidArgument('outfile', 'another file than the one to read', outfile);
  const plan = await planQuantized(options);
  const output = { path: outfile, plan, ...(splitMaxSize !== undefined && { splitMaxSize }) };
  const [written] = await writeOutputs([output], { ...options, binding });
  return { ...written!, durationMs: performance.now() - startedAt, notes: plan.notes };
}

/** "model-f16.gguf" to "model-q8_0.gguf". */
function defaultPath({ file, outtype }: QuantizeOptions): string {
  const stem = basename(file).replace(/(-00001-of-\d{5})?\.gguf$/, '');
  const type = outtypes.find((name) => stem.toLowerCase().endsWith(`-${name}`));
  const name = type ? stem.slice(0, -type.length - 1) : stem;
  return join(dirname(file), `${name}-${outtype}.gguf`);
}

/** Written anew, or only true of the file as it was. */
const REPLACED = [
  SOURCE_DIGEST,
  'general.file_type',
  'general.quantization_version',
  'split.no',
  'split.count',
  'split.tensors.count',
  'quantize.imatrix.file',
  'quantize.imatrix.dataset',
  'quantize.imatrix.entries_count',
  'quantize.imatrix.chunks_count',
];

async function planQuantized(options: QuantizeOptions): Promise<GgufPlan> {
  const { file: path, outtype } = options;
  const file = await readGguf(path);
  const isMmproj = ggufString(file, 'general.architecture') === 'clip';
  const imatrix = options.imatrix === undefined ? undefined : await readImatrix(options.imatrix);
  const { tensors, entries = [] } = isMmproj
    ? await quantizeMmprojTensors(path, mmprojType(outtype))
    : { tensors: await planDecoderTensors(path, outtype, imatrix) };
  refuseRequantizing(options, tensors);
  const use = imatrixUse(imatrix, tensors);
  const source = ggufString(file, SOURCE_DIGEST, '');
  return {
    base: { file: file.checked, except: [...REPLACED, ...entries.map(({ key }) => key)] },
    entries: [
      ...(source ? [{ key: SOURCE_DIGEST, type: 'string', value: source }] : []),
      { key: 'general.file_type', type: 'u32', value: fileType(outtype) },
      { key: 'general.quantization_version', type: 'u32', value: QUANTIZATION_VERSION },
      ...entries,
      ...use.entries,
    ] as GgufEntry[],
    tensors,
    notes: [...fallbackNotes(tensors, baseType(outtype)), ...use.notes],
  };
}

function mmprojType(outtype: Outtype): MmprojOuttype {
  const found = mmprojOuttypes.find((name) => name === outtype);
  if (!found)
    throw invalidArgument('outtype', `one of ${mmprojOuttypes.join(', ')} for an mmproj`, outtype);
  return found;
}

async function planDecoderTensors(
  path: string,
  outtype: Outtype,
  imatrix: Imatrix | undefined,
): Promise<PlannedTensor[]> {
  const decoder = await readDecoderFile(path);
  const stored = await collectTensors(decoder.gguf);
  const isTied = !stored.some(({ name }) => name === 'output.weight');
  const choice = { ...decoder, isTied, outtype, hasImportance: imatrix !== undefined };
  return stored.map((source: FiledTensor) => {
    const { name, shape } = source;
    const type = decoderType(name, shape, choice);
    const importance = importanceOf({ name, shape, type }, { outtype, imatrix });
    return { name, shape, type, source, ...(importance && { importance }) };
  });
}

function refuseRequantizing(
  { file, allowRequantize }: QuantizeOptions,
  tensors: PlannedTensor[],
): void {
  const again = tensors.find(
    ({ type, source }) => type !== source.type && ggmlTypeByName(source.type)!.blockSize > 1,
  );
  if (again && !allowRequantize)
    throw modelLoadError(
      file,
      `the tensor '${again.name}' is ${again.source.type} already, and quantising it again loses more than once ` +
        'from the original would; allow it (`allowRequantize`) or start from a file in f32, f16 or bf16.',
    );
}
