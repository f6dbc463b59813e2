import { Command, Option } from 'commander';
import { type ConvertResult, checkConvertOptions, convert } from '../convert/convert.js';
import { checkLoraOptions } from '../convert/convert-lora.js';
import { type MmprojOuttype, mmprojOuttypes, type Outtype, outtypes } from '../convert/outtypes.js';
import type { CheckpointSource } from '../hub/snapshot-source.js';
import {
  type ConvertLoraFlags,
  checkConvertFlags,
  convertLoraFolder,
  loraOptions,
} from './convert-lora.js';
import { findCheckpoint } from './shared/checkpoint-argument.js';
import {
  describeFile,
  NO_CHECKSUM,
  parseMmprojOuttypeFlag,
  parseOuttypeFlag,
  parseSizeFlag,
} from './shared/convert-flags.js';
import { asUsage } from './shared/flags.js';
import { interruptible } from './shared/interrupt.js';
import { createProgress } from './shared/progress.js';
import { shellQuote } from './shared/shell-quote.js';

interface ConvertFlags extends ConvertLoraFlags {
  outtype: Outtype;
  mmprojOuttype: MmprojOuttype;
  imatrix?: string;
  splitMaxSize?: number;
  card?: true;
  modelfile?: true;
  force?: true;
  revision?: string;
}

const EXAMPLES = `
Examples:
  $ llava-onevision convert lmms-lab/llava-onevision-qwen2-0.5b-ov --outdir models
  $ llava-onevision convert llava-onevision-qwen2-7b-ov --outdir models --outtype q8_0
  $ llava-onevision convert llava-onevision-qwen2-7b-ov --outdir models --outtype q4_k_m --imatrix imatrix.gguf
  $ llava-onevision convert demo/checkpoint --outdir models --name demo --outtype f32 --mmproj-outtype f32
  $ llava-onevision convert my-adapter --outdir models --base llava-onevision-qwen2-0.5b-ov

Writes NAME-OUTTYPE.gguf (the decoder) and mmproj-NAME-OUTTYPE.gguf (vision tower and projector), replacing files of
those names. The types are llama-quantize's: q8_0 and larger answer as the original does, q4_k_m is the usual choice
for little memory, and those below three bits need an --imatrix. The folder needs config.json, the tokenizer files and model.safetensors or its shards with their index. Of a repository these
files are downloaded first, as pull does.

A folder with adapter_config.json is a LoRA adapter and becomes NAME-lora-OUTTYPE.gguf (f32, f16, bf16, q8_0) for --lora.`;

export function convertCommand(): Command {
  return new Command('convert')
    .description('turn a safetensors checkpoint into a GGUF decoder and an mmproj file')
    .argument(
      '<checkpoint>',
      'folder of the checkpoint (lmms-lab or transformers layout), or of a LoRA adapter (PEFT); or OWNER/NAME[@REVISION] on the Hugging Face hub, or its address',
    )
    .requiredOption('--outdir <dir>', 'folder for the two files, made if missing')
    .addOption(
      new Option('--outtype <type>', `type of the decoder's matrices: ${outtypes.join(', ')}`)
        .argParser(parseOuttypeFlag)
        .default('f16'),
    )
    .addOption(
      new Option(
        '--mmproj-outtype <type>',
        `type of the vision tower's matrices: ${mmprojOuttypes.join(', ')}`,
      )
        .argParser(parseMmprojOuttypeFlag)
        .default('f16'),
    )
    .option('--revision <revision>', 'of a repository: branch, tag or commit (default: main)')
    .option('--base <path>', 'of a LoRA adapter: the checkpoint or GGUF decoder it must fit')
    .option('--text-only', 'of a LoRA adapter: leave out what changes the vision tower')
    .option('--imatrix <file>', 'importances of llama-imatrix, for quantised types')
    .option('--name <name>', "name of the model (default: the folder's or the repository's)")
    .addOption(
      new Option(
        '--split-max-size <size>',
        'cut the decoder into files of this many bytes (500M, 2G; powers of ten)',
      ).argParser(parseSizeFlag),
    )
    .option(
      '--verify',
      'read checkpoint and files again and compare, before the files get their names',
    )
    .option('--card', 'also write a model card, README.md, into the folder')
    .option('--modelfile', 'also write a Modelfile for Ollama into the folder')
    .option('--force', 'replace a README.md or Modelfile that is there')
    .option(...NO_CHECKSUM)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(checkpoint: string, flags: ConvertFlags, command: Command): Promise<void> {
  const { isLora, fetch, ...found } = await findCheckpoint(checkpoint, command);
  checkConvertFlags(command, isLora);
  const options = { ...found, ...flags };
  const { json: _, revision: __, ...conversion } = options;
  await asUsage(command, async () => {
    // Before gigabytes are downloaded.
    await (isLora
      ? checkLoraOptions({ adapter: checkpoint, ...loraOptions(options) })
      : checkConvertOptions({ checkpoint, ...conversion }));
    const { folder, source } = await fetch();
    if (isLora) await convertLoraFolder(folder, options);
    else await convertCheckpoint(folder, { ...options, ...(source && { source }) });
  });
}

async function convertCheckpoint(
  checkpoint: string,
  { json, checksum, revision: _, ...flags }: ConvertFlags & { source?: CheckpointSource },
): Promise<void> {
  const progress = createProgress('Converting');
  const onProgress = progress.update;
  const result = await interruptible((signal) =>
    convert({ checkpoint, ...flags, checksumFiles: checksum, signal, onProgress }),
  ).finally(progress.stop);
  const { source } = flags;
  const full = source ? { ...result, source } : result;
  process.stdout.write(json ? `${JSON.stringify(full)}\n` : await describe(result));
}

async function describe(result: ConvertResult): Promise<string> {
  const { model, mmproj, documents, notes, durationMs } = result;
  return [
    ...[model, mmproj].flatMap(describeFile),
    ...documents,
    ...notes.map((note) => `Note: ${note}`),
    `Done in ${(durationMs / 1000).toFixed(1)} s. Try it:`,
    `  llava-onevision run ${await modelWords(model.path, mmproj.path)} PICTURE "What is this?"`,
    '',
  ].join('\n');
}

/** The decoder alone, if what lies beside it leaves no doubt about its mmproj. */
async function modelWords(model: string, mmproj: string): Promise<string> {
  const { filesOf } = await import('../models/gguf-files.js');
  const found = await filesOf(model).catch(() => undefined);
  const name = shellQuote(model);
  return found?.mmproj === mmproj ? name : `${name} --mmproj ${shellQuote(mmproj)}`;
}
