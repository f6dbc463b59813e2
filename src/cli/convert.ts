import { Command, Option } from 'commander';
import { type ConvertResult, convert } from '../convert/convert.js';
import { type MmprojOuttype, mmprojOuttypes, type Outtype, outtypes } from '../convert/outtypes.js';
import { byteSize } from './byte-size.js';
import { parseOuttypeFlag, parseSizeFlag } from './convert-flags.js';
import { interruptible } from './interrupt.js';
import { createProgress } from './progress.js';

interface ConvertFlags {
  outdir: string;
  outtype: Outtype;
  mmprojOuttype: MmprojOuttype;
  imatrix?: string;
  splitMaxSize?: number;
  verify?: true;
  name?: string;
  json?: true;
}

const EXAMPLES = `
Examples:
  $ llava-onevision convert llava-onevision-qwen2-0.5b-ov --outdir models
  $ llava-onevision convert llava-onevision-qwen2-7b-ov --outdir models --outtype q8_0
  $ llava-onevision convert llava-onevision-qwen2-7b-ov --outdir models --outtype q4_k_m --imatrix imatrix.gguf
  $ llava-onevision convert demo/checkpoint --outdir models --name demo --outtype f32 --mmproj-outtype f32

Writes NAME-OUTTYPE.gguf (the decoder) and mmproj-NAME-OUTTYPE.gguf (vision tower and projector), replacing files of
those names. The types are llama-quantize's: q8_0 and larger answer as the original does, q4_k_m is the usual choice
for little memory, and those below three bits need an --imatrix. The folder needs config.json, the tokenizer files and model.safetensors or its shards with their index.`;

export function convertCommand(): Command {
  return new Command('convert')
    .description('turn a safetensors checkpoint into a GGUF decoder and an mmproj file')
    .argument('<checkpoint>', 'folder of the checkpoint (lmms-lab or transformers layout)')
    .requiredOption('--outdir <dir>', 'folder for the two files, made if missing')
    .addOption(
      new Option('--outtype <type>', `type of the decoder's matrices: ${outtypes.join(', ')}`)
        .argParser(parseOuttypeFlag)
        .default('f16'),
    )
    .addOption(
      new Option('--mmproj-outtype <type>', "type of the vision tower's matrices")
        .choices(mmprojOuttypes)
        .default('f16'),
    )
    .option('--imatrix <file>', 'importances of llama-imatrix, for quantised types')
    .option('--name <name>', "name of the model (default: the checkpoint folder's)")
    .addOption(
      new Option(
        '--split-max-size <size>',
        'cut the decoder into files of this many bytes (500M, 2G)',
      ).argParser(parseSizeFlag),
    )
    .option(
      '--verify',
      'read checkpoint and files again and compare, before the files get their names',
    )
    .option('--json', 'print the result as JSON, with the SHA-256 of each file')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(checkpoint: string, { json, ...flags }: ConvertFlags): Promise<void> {
  const progress = createProgress('Converting');
  const result = await interruptible((signal) =>
    convert({ checkpoint, ...flags, checksum: json === true, signal, onProgress: progress.update }),
  ).finally(progress.stop);
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : describe(result));
}

function describe({ model, mmproj, notes, durationMs }: ConvertResult): string {
  return [
    ...[model, mmproj].map(
      (file) => `${file.path}  ${byteSize(file.bytes)}, ${file.tensors} tensors`,
    ),
    ...notes.map((note) => `Note: ${note}`),
    `Done in ${(durationMs / 1000).toFixed(1)} s. Try it:`,
    `  llava-onevision run --model ${model.path} --mmproj ${mmproj.path} --image PICTURE --prompt "What is this?"`,
    '',
  ].join('\n');
}
