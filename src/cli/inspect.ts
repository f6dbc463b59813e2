import { Command } from 'commander';
import { inspectFile } from './inspect-file.js';
import { printInspection } from './inspect-print.js';

const EXAMPLES = `
Examples:
  $ llava-onevision inspect models/demo-f16.gguf
  $ llava-onevision inspect mmproj-demo-f16.gguf --json
  $ llava-onevision inspect llava-onevision-qwen2-0.5b-ov        (a checkpoint folder)

Reads headers only, so that files of any size open at once.`;

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('show what is in a GGUF file, a safetensors file or a checkpoint folder')
    .argument('<file>', 'the file or folder')
    .option('--json', 'print everything as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, { json }: { json?: true }) => {
      const inspection = await inspectFile(file);
      process.stdout.write(json ? `${JSON.stringify(inspection)}\n` : printInspection(inspection));
    });
}
