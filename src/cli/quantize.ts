import { Command, Option } from 'commander';
import type { Outtype } from '../convert/outtypes.js';
import { type QuantizeOptions, type QuantizeResult, quantize } from '../convert/quantize.js';
import {
  describeFile,
  NO_CHECKSUM,
  parseOuttypeFlag,
  parseSizeFlag,
} from './shared/convert-flags.js';
import { asUsage } from './shared/flags.js';
import { interruptible } from './shared/interrupt.js';
import { createProgress } from './shared/progress.js';

interface QuantizeFlags extends Omit<QuantizeOptions, 'file' | 'checksum' | 'checksumFiles'> {
  outtype: Outtype;
  checksum: boolean;
  json?: true;
}

const EXAMPLES = `
Examples:
  $ llava-onevision quantize models/demo-f16.gguf --outtype q4_k_m
  $ llava-onevision quantize models/mmproj-demo-f16.gguf --outtype q8_0 --outfile small.gguf
  $ llava-onevision quantize models/7b-f16.gguf --outtype iq3_xxs --imatrix imatrix.gguf

Reads a decoder or an mmproj in f32, f16 or bf16. Converting the checkpoint with that --outtype gives the same matrices
without the file between.`;

export function quantizeCommand(): Command {
  return new Command('quantize')
    .description('convert a GGUF decoder or mmproj to another type')
    .argument('<file>', 'the GGUF file (the first one of a split decoder)')
    .addOption(
      new Option('--outtype <type>', 'as for convert; f32, f16, bf16, q8_0 or q4_0 for an mmproj')
        .argParser(parseOuttypeFlag)
        .makeOptionMandatory(),
    )
    .option('--outfile <file>', 'where to (default: beside the file, named after the type)')
    .option('--imatrix <file>', 'importances of llama-imatrix')
    .option('--allow-requantize', 'convert matrices that are quantised already')
    .addOption(
      new Option(
        '--split-max-size <size>',
        'cut the output into files of this many bytes (500M, 2G; powers of ten)',
      ).argParser(parseSizeFlag),
    )
    .option('--verify', 'read everything again and compare')
    .option(...NO_CHECKSUM)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(file: string, flags: QuantizeFlags, command: Command): Promise<void> {
  await asUsage(command, () => quantizeFile(file, flags));
}

async function quantizeFile(
  file: string,
  { json, checksum, ...flags }: QuantizeFlags,
): Promise<void> {
  const progress = createProgress('Quantizing');
  const result = await interruptible((signal) =>
    quantize({ file, ...flags, checksumFiles: checksum, signal, onProgress: progress.update }),
  ).finally(progress.stop);
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : describe(result));
}

function describe({ notes, durationMs, ...file }: QuantizeResult): string {
  return [
    ...describeFile(file),
    ...notes.map((note) => `Note: ${note}`),
    `Done in ${(durationMs / 1000).toFixed(1)} s.`,
    '',
  ].join('\n');
}
