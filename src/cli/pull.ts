import { Command, Option } from 'commander';
import { byteSize } from '../byte-size.js';
import { LlavaError } from '../errors.js';
import type { PullOptions, PullResult } from '../hub/pull.js';
import { collect, parseCount, withFlags } from './shared/flags.js';
import { interruptible } from './shared/interrupt.js';
import { createPullBars } from './shared/pull-progress.js';

interface PullFlags extends Omit<PullOptions, 'signal' | 'onProgress'> {
  json?: true;
}

const EXAMPLES = `
Examples:
  $ llava-onevision pull lmms-lab/llava-onevision-qwen2-0.5b-ov
  $ llava-onevision pull 7b-ov-chat --dry-run
  $ llava-onevision pull someone/finetune@v2 --exclude 'README.md'
  $ llava-onevision convert "$(llava-onevision pull 0.5b-ov)" --outdir models

Downloads what convert reads: configuration, tokenizer, image processor, safetensors weights. Prints the folder. The files lie
in the cache of Python's huggingface_hub (HF_HUB_CACHE, HF_HOME), and what it downloaded is used. A download that was broken
off goes on where it stopped. HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE hold as there. Patterns: * also matches slashes.`;

export function pullCommand(): Command {
  return new Command('pull')
    .description('download a checkpoint from the Hugging Face hub into its cache')
    .argument(
      '<repo>',
      'OWNER/NAME[@REVISION], its address, or a published model: 0.5b-ov, 7b-ov-chat, …',
    )
    .option('--revision <revision>', 'branch, tag or commit (default: main)')
    .option(
      '--include <pattern>',
      'only files that match, instead of what convert reads; repeatable',
      collect,
    )
    .option('--exclude <pattern>', 'leave out files that match; repeatable', collect)
    .option('--all', 'every file')
    .addOption(
      new Option('--concurrency <n>', 'files downloaded at once, 1-64')
        .argParser(parseCount)
        .default(4),
    )
    .option('--cache-dir <dir>', "folder of the cache (default: huggingface_hub's)")
    .option('--offline', 'use what is in the cache, ask no one')
    .option('--verify', 'also check files that are in the cache; damaged ones are downloaded again')
    .option('--dry-run', 'say what would be downloaded, and how much')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(repo: string, { json, ...options }: PullFlags, command: Command): Promise<void> {
  const result = await pullWithBars(repo, options, command);
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else process.stdout.write(options.dryRun ? describePlan(result) : `${result.path}\n`);
}

/** Also what `convert` does with the name of a repository. */
export async function pullWithBars(
  repo: string,
  options: PullOptions,
  command: Command,
): Promise<PullResult> {
  // Not before it is needed: other commands start without it.
  const { pull } = await import('../hub/pull.js');
  const bars = createPullBars();
  try {
    return await interruptible((signal) =>
      pull(repo, { ...options, signal, onProgress: bars.update }),
    ).finally(bars.stop);
  } catch (error) {
    if (error instanceof LlavaError && error.code === 'ERR_INVALID_ARGUMENT')
      command.error(`error: ${withFlags(error.message, command)}`);
    throw error;
  }
}

function describePlan({ repo, commit, files }: PullResult): string {
  const sum = (list: PullResult['files']) => list.reduce((bytes, { size }) => bytes + size, 0);
  const toDo = files.filter(({ cached }) => !cached);
  return [
    ...files.map(
      ({ path, size, cached }) =>
        `${byteSize(size).padStart(10)}  ${path}${cached ? '  (in the cache)' : ''}`,
    ),
    `${repo} at ${commit}: ${files.length} files of ${byteSize(sum(files))}, to download ${toDo.length} of ${byteSize(sum(toDo))}`,
    '',
  ].join('\n');
}
