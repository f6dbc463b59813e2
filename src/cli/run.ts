/** `run`: one question about pictures and clips, one answer. The library does everything; here are flags and printing. */
import { addAbortSignal } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import type { ChatOptions, ChatResult, LlavaOneVision, Message, Part } from '../index.js';
import { reportUsage } from './shared/flags.js';
import { addFormatOptions, type FormatFlags, formatOf } from './shared/format-flags.js';
import { interruptible } from './shared/interrupt.js';
import { addMediaOptions } from './shared/media-flags.js';
import {
  addModelFiles,
  addModelOptions,
  loadModel,
  type ModelFlags,
} from './shared/model-flags.js';
import { createProgress } from './shared/progress.js';
import { addSamplingOptions, type SamplingFlags, samplingOf } from './shared/sampling-flags.js';
import { describeMemory, describeStats } from './shared/stats.js';

interface RunFlags extends ModelFlags, SamplingFlags, FormatFlags {
  prompt: string;
  system?: string;
  stats?: true;
  json?: true;
}

const EXAMPLES = `
Examples:
  $ llava-onevision run --model ov-f16.gguf --mmproj mmproj-ov-f16.gguf \\
      --image radar.jpg --prompt "What is shown in this image?"
  $ llava-onevision run --model ov-f16.gguf --mmproj mmproj-ov-f16.gguf \\
      --image https://example.org/photo.jpg --prompt "Describe it." --temperature 0.7 --seed 1 --json
  $ llava-onevision run --model ov-f16.gguf --mmproj mmproj-ov-f16.gguf \\
      --image before.jpg --image after.jpg --prompt "What changed?"
  $ llava-onevision run --model ov-f16.gguf --mmproj mmproj-ov-f16.gguf \\
      --video clip.mp4 --frames 16 --prompt "What happens?"
  $ llava-onevision run --model ov-f16.gguf --mmproj mmproj-ov-f16.gguf --prompt - < question.txt
  $ llava-onevision run --model ov-f16.gguf --mmproj mmproj-ov-f16.gguf \\
      --image invoice.jpg --schema invoice.schema.json --prompt "Read the invoice."

The answer streams to stdout. With --json one object follows at the end instead: text, tokens, finishReason, usage,
media and timings in milliseconds.`;

export function runCommand(): Command {
  const command = new Command('run').description('answer one question about pictures and clips');
  const mediaOf = addMediaOptions(addModelFiles(command));
  command
    .requiredOption('--prompt <text>', 'the question; - reads it from stdin')
    .option('--system <text>', "system message (default: the dialect's)");
  addFormatOptions(command);
  addSamplingOptions(command);
  addModelOptions(command);
  return command
    .option('--stats', 'print token counts and times to stderr')
    .option('--json', 'print one result object instead of streaming text')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: RunFlags) => {
      try {
        await interruptible((signal) => run(flags, mediaOf(), signal));
      } catch (error) {
        reportUsage(error, command);
        throw error;
      }
    });
}

/** Loads, asks, prints. @throws what the library throws, and the signal's reason */
async function run(flags: RunFlags, media: Part[], signal: AbortSignal): Promise<void> {
  const prompt: Part = { type: 'text', text: await readPrompt(flags.prompt, signal) };
  const messages = withSystem(flags.system, { role: 'user', content: [...media, prompt] });
  const format = await formatOf(flags, signal);
  const model = await loadModel(flags, {
    signal,
    onMemory: (memory) => flags.stats && process.stderr.write(describeMemory(memory)),
  });
  try {
    const result = await answer(model, messages, { flags, format, signal });
    if (flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    if (flags.stats) process.stderr.write(describeStats(result));
  } finally {
    await model.dispose();
  }
}

interface AnswerOptions {
  flags: RunFlags;
  format: Pick<ChatOptions, 'responseFormat'>;
  signal: AbortSignal;
}

/** Streams the answer to stdout unless it is wanted as JSON. */
async function answer(
  model: LlavaOneVision,
  messages: Message[],
  { flags, format, signal }: AnswerOptions,
): Promise<ChatResult> {
  const looking = createProgress('Looking');
  try {
    const stream = model.chat(messages, {
      ...samplingOf(flags),
      ...format,
      signal,
      onProgress: ({ stage, done, total }) =>
        looking.update(done / total, stage === 'encode' ? `tile ${done} of ${total}` : 'prompt'),
    });
    if (!flags.json) {
      for await (const { text } of stream) {
        looking.stop();
        process.stdout.write(text);
      }
      process.stdout.write('\n');
    }
    return await stream.result;
  } finally {
    looking.stop();
  }
}

async function readPrompt(prompt: string, signal: AbortSignal): Promise<string> {
  if (prompt !== '-') return prompt;
  try {
    return (await readAll(addAbortSignal(signal, process.stdin))).trimEnd();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

function withSystem(system: string | undefined, question: Message): Message[] {
  return system === undefined ? [question] : [{ role: 'system', content: system }, question];
}
