/** `bench`: how fast a model answers on this machine. What is measured, and how, is in bench/measure.ts. */
import { dirname } from 'node:path';
import { Command } from 'commander';
import { makeFolder } from '../files/make-folder.js';
import { writeError, writeWhole } from '../files/whole-file.js';
import { describe } from './bench/describe.js';
import { parsePositive, reportUsage } from './shared/flags.js';
import { interruptible } from './shared/interrupt.js';
import { addModelOptions, loadModel, type ModelFlags } from './shared/model-flags.js';
import { addModelFiles, MODEL_ARGUMENT, takeModel } from './shared/named-model.js';
import { createProgress } from './shared/progress.js';

interface BenchFlags extends ModelFlags {
  image?: string;
  runs: number;
  promptTokens: number;
  tokens: number;
  json?: true;
  html?: string;
}

const EXAMPLES = `
Examples:
  $ llava-onevision bench 0.5b-ov
  $ llava-onevision bench 7b-ov:q4_k_m --threads 4
  $ llava-onevision bench 0.5b-ov --image photo.jpg --json
  $ llava-onevision bench 0.5b-ov --html bench.html

Medians of --runs, after a first answer that does not count. What else the machine does is in the figures too.`;

export function benchCommand(): Command {
  const command = new Command('bench')
    .description('measure how fast a model answers here')
    .argument('[model]', MODEL_ARGUMENT);
  addModelFiles(command)
    .option('--image <file>', 'path or URL of a picture (default: one of 1024x768 that is drawn)')
    .option('--runs <n>', 'how often', parsePositive, 3)
    .option(
      '--prompt-tokens <n>',
      'about how long the prompt without a picture is',
      parsePositive,
      512,
    )
    .option('--tokens <n>', 'how long the answer to it is', parsePositive, 64);
  return addModelOptions(command)
    .option('--json', 'print the figures as JSON')
    .option('--html <file>', 'also write the figures as one page with bars')
    .addHelpText('after', EXAMPLES)
    .action(async (word: string | undefined, flags: BenchFlags) => {
      try {
        const model = takeModel(flags, [word], command);
        await interruptible((signal) => bench({ ...flags, model }, signal));
      } catch (error) {
        reportUsage(error, command);
        throw error;
      }
    });
}

/** @throws what loading and chats do, and the signal's reason */
async function bench(flags: BenchFlags & { model: string }, signal: AbortSignal): Promise<void> {
  // A page that has no place is said before, not after.
  if (flags.html !== undefined) await makePlace(flags.html);
  const { measure } = await import('./bench/measure.js');
  // Nothing that one run leaves may help the next.
  const more = { prefixCache: false, visualCacheBytes: 0 };
  await using model = await loadModel(flags, { signal, more });
  const { image, runs, promptTokens, tokens, json, html } = flags;
  const progress = createProgress('Measuring');
  const figures = await measure(model, {
    ...{ runs, promptTokens, tokens, ...(image !== undefined && { image }) },
    signal,
    onRun: (done) => progress.update(done / runs),
  }).finally(progress.stop);
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const { info } = model;
  const result = {
    model: flags.model,
    ...figures,
    memory: { peakBytes, gpuBytes: info.memory.gpu },
  };
  const rows = describe(result, info, runs);
  if (json) process.stdout.write(`${JSON.stringify({ ...result, info, runs })}\n`);
  else process.stdout.write(rows.map(([label, text]) => `${label.padEnd(12)} ${text}\n`).join(''));
  if (html === undefined) return;
  const { benchHtml } = await import('./bench/bench-html.js');
  await writeWhole(html, benchHtml(result, rows));
}

/** @throws ERR_WRITE */
async function makePlace(path: string): Promise<void> {
  await makeFolder(dirname(path)).catch((cause) => {
    throw writeError(path, cause);
  });
}
