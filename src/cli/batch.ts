/** `batch`: its options. What it does is in batch/, loaded only then: help need not wait for it. */
import { Command, Option } from 'commander';
import type { BatchFlags } from './batch/answer-all.js';
import { parseConcurrency, reportUsage } from './shared/flags.js';
import { addFormatOptions } from './shared/format-flags.js';
import { interruptible } from './shared/interrupt.js';
import { parseFrames } from './shared/media-flags.js';
import { addModelOptions } from './shared/model-flags.js';
import { addModelFiles, MODEL_ARGUMENT, takeModel } from './shared/named-model.js';
import { addSamplingOptions } from './shared/sampling-flags.js';

const EXAMPLES = `
Examples:
  $ llava-onevision batch 0.5b-ov --input 'photos/**/*.jpg' --prompt "Describe the picture." --out captions.jsonl
  $ llava-onevision batch 7b-ov:q8_0 \\
      --input invoices --prompt "Read the invoice." --schema invoice.schema.json --format csv --out invoices.csv
  $ llava-onevision batch 0.5b-ov --input questions.jsonl --out answers.jsonl

Inputs are pictures and clips, folders of them, patterns in quotes, URLs, and JSONL files with an object to a line:
{ id, images, videos, prompt } or { id, messages }; - reads JSONL from stdin. Answers are appended as they come: after an
interruption the same command goes on. When all are there, the file is put into the order of the inputs. What fails is
recorded with its error, and the exit status is 0 unless --fail-on-error is given.`;

export function batchCommand(): Command {
  const command = addModelFiles(
    new Command('batch')
      .description('ask about many pictures and clips, into a file')
      .argument('[model]', MODEL_ARGUMENT),
  )
    .requiredOption('--input <file...>', 'pictures, clips, folders, patterns, URLs, JSONL files')
    .option('--media <folder>', 'what paths in JSONL are relative to (default: its folder)')
    .option('--prompt <text>', 'the question about items that bring none')
    .option('--system <text>', "system message (default: the dialect's)")
    .option('--frames <n>', 'how many frames of a clip to look at (default: 32)', parseFrames)
    .requiredOption('--out <file>', 'where answers go; what it has is not asked again')
    .addOption(
      new Option('--format <name>', 'of that file (default: by its name, else jsonl)').choices([
        'jsonl',
        'csv',
      ]),
    )
    .option('--concurrency <n>', 'questions under way at a time', parseConcurrency, 4)
    .option('--retry-errors', 'ask again what failed before')
    .option('--fail-on-error', 'exit status 1 if any item has an error')
    .option('--prefix-cache', 'faster for questions about the same picture; rounding then differs');
  addFormatOptions(command);
  addSamplingOptions(command);
  return addModelOptions(command)
    .option('--json', 'print how it ended as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (word: string | undefined, given: Omit<BatchFlags, 'model'>) => {
      try {
        const flags = { ...given, model: takeModel(given, [word], command) };
        const { answerAll } = await import('./batch/answer-all.js');
        await interruptible((signal) => answerAll(flags, signal));
      } catch (error) {
        reportUsage(error, command);
        throw error;
      }
    });
}
