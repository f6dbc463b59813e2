/** `verify`: converted files against known answers of their model. */
import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import { ggufString, readGguf } from '../gguf/reader.js';
import type { LoadOptions } from '../index.js';
import type { CheckResult, VerifyReport } from '../verify/report.js';
import { parseCount, reportUsage } from './shared/flags.js';
import { interruptible } from './shared/interrupt.js';
import { addGpuOptions, type GPU_NAMES, LLAMA_LOG } from './shared/model-flags.js';
import { namedFiles } from './shared/named-model.js';
import { createProgress } from './shared/progress.js';

interface VerifyFlags extends Pick<LoadOptions, 'threads' | (typeof GPU_NAMES)[number]> {
  model?: string;
  mmproj?: string;
  offline?: boolean;
  table?: string;
  image?: string;
  verbose?: true;
  json?: true;
}

const EXAMPLES = `
Examples:
  $ llava-onevision verify 7b-ov
  $ llava-onevision verify models/llava-onevision-qwen2-7b-ov-f16.gguf
  $ llava-onevision verify models/7b-f16.gguf --table 7b-ov --image llava_v1_5_radar.jpg
  $ llava-onevision verify my-f16.gguf mmproj-my-f16.gguf --table known-answers.json --image picture.png --json

Tables of the eight published models are built in: 0.5b-ov, 0.5b-si, 7b-ov, 7b-si, 7b-ov-chat, 72b-ov, 72b-si, 72b-ov-chat. Their picture
has to be downloaded; without --image what needs it is skipped and the address shown. How far figures may be off depends on the files' types;
types coarser than q8_0 are shown and not judged.

Exit status: 0 nothing failed, 1 something did, 2 wrong usage.`;

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('check converted files against known answers of the published models')
    .usage('MODEL | FILE... [options]')
    .argument('[files...]', 'a model by its name; or the decoder and its mmproj, in any order')
    .option('--model <model>', 'a model by its name, or the decoder', String)
    .option('--mmproj <file>', 'its mmproj; without it only the decoder of a file is checked')
    .option('--offline', 'look for the model on this machine only')
    .option(
      '--table <name>',
      "a built-in table or a JSON file (default: what the decoder's metadata names)",
      String,
    )
    .option('--image <file>', "the table's picture", String);
  command.option('--threads <n>', 'CPU threads (default: physical cores)', parseCount);
  return addGpuOptions(command)
    .option('--verbose', "print llama.cpp's log to stderr")
    .option('--json', 'print the report as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], flags: VerifyFlags) => {
      try {
        await interruptible((signal) => run(files, { flags, command, signal }));
      } catch (error) {
        reportUsage(error, command);
        throw error;
      }
    });
}

async function run(
  files: string[],
  { flags, command, signal }: { flags: VerifyFlags; command: Command; signal: AbortSignal },
): Promise<void> {
  const { verbose, json, offline, ...options } = flags;
  const { model, mmproj } = await filesFor(files, { flags, command, signal });
  // Imported here so that help and usage errors do not wait for it.
  const { verify } = await import('../verify/verify.js');
  const progress = createProgress('Verifying');
  const report = await verify({
    ...options,
    model,
    ...(mmproj !== undefined && { mmproj }),
    ...(verbose && { log: LLAMA_LOG }),
    signal,
    onProgress: (stage, fraction) => progress.update(fraction, stage),
  }).finally(progress.stop);
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : describe(report));
  if (!report.passed) process.exitCode = 1;
}

/** A name stands for both files, a file for itself. */
async function filesFor(
  words: string[],
  { flags, command, signal }: { flags: VerifyFlags; command: Command; signal: AbortSignal },
): Promise<{ model: string; mmproj: string | undefined }> {
  const [word = flags.model] = words;
  const isName = word !== undefined && words.length < 2 && !(await isFile(word));
  if (!isName) return tellApart(words, flags, command);
  const files = await namedFiles({ ...flags, model: word }, signal);
  return { model: files.model, mmproj: files.mmproj ?? undefined };
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

/** By their architecture. @throws ERR_MODEL_LOAD, CommanderError */
async function tellApart(
  files: string[],
  flags: VerifyFlags,
  command: Command,
): Promise<{ model: string; mmproj: string | undefined }> {
  const found: { model?: string | undefined; mmproj?: string | undefined } = {
    model: flags.model,
    mmproj: flags.mmproj,
  };
  for (const file of files) {
    const architecture = ggufString(await readGguf(file), 'general.architecture');
    const kind = architecture === 'clip' ? 'mmproj' : 'model';
    if (found[kind] !== undefined)
      command.error(
        `error: ${found[kind]} and ${file} are both ${kind === 'model' ? 'decoders' : 'mmproj files'}`,
      );
    found[kind] = file;
  }
  if (found.model === undefined) command.error('error: no decoder was given');
  return { model: found.model!, mmproj: found.mmproj };
}

const MARKS = { pass: 'pass', fail: 'FAIL', shown: 'info', skipped: 'skip' } as const;

function describe({ table, source, model, mmproj, isOnGpu, checks, passed }: VerifyReport): string {
  const count = (status: CheckResult['status']) =>
    checks.filter((check) => check.status === status).length;
  const files = [model, ...(mmproj ? [mmproj] : [])].map(({ path, type }) => `${path} (${type})`);
  const totals = [`${count('pass')} passed`, `${count('fail')} failed`];
  if (count('shown') > 0) totals.push(`${count('shown')} not judged`);
  if (count('skipped') > 0) totals.push(`${count('skipped')} skipped`);
  return [
    `${files.join(' and ')}${isOnGpu ? ' on a GPU' : ''}`,
    `against the known answers of ${table}${source ? ` (${source})` : ''}`,
    '',
    ...checks.flatMap(checkLines),
    '',
    `${passed ? 'Passed' : 'Failed'}: ${totals.join(', ')}.`,
    '',
  ].join('\n');
}

function checkLines({
  name,
  status,
  expected,
  got,
  difference,
  bound,
  note,
}: CheckResult): string[] {
  const figures = [
    ...(difference === undefined ? [] : [`difference ${difference.toPrecision(3)}`]),
    ...(bound === undefined ? [] : [`bound ${bound}`]),
    ...(note ? [note] : []),
  ].join(', ');
  const first = `${MARKS[status]}  ${name}${figures ? `: ${figures}` : ''}`;
  if (expected === undefined || (status === 'pass' && difference === undefined)) return [first];
  return [first, `        expected ${expected}`, `        got      ${got}`];
}
