/** `run`: one question about pictures and clips, one answer. The library does everything; here are flags and printing. */
import { addAbortSignal } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import type { ChatOptions, ChatResult, LlavaOneVision, Message, Part } from '../index.js';
import { parseDrawing, showTiles } from './run/show-tiles.js';
import { type Asked, readWords, STDIN } from './run/words.js';
import { reportUsage } from './shared/flags.js';
import { addFormatOptions, type FormatFlags, formatOf } from './shared/format-flags.js';
import { interruptible } from './shared/interrupt.js';
import { addMediaOptions } from './shared/media-flags.js';
import { addModelOptions, loadModel, type ModelFlags } from './shared/model-flags.js';
import { addModelFiles } from './shared/named-model.js';
import { createProgress } from './shared/progress.js';
import { addSamplingOptions, type SamplingFlags, samplingOf } from './shared/sampling-flags.js';
import { describeMemory, describeStats } from './shared/stats.js';

interface RunFlags extends ModelFlags, SamplingFlags, FormatFlags {
  prompt?: string;
  system?: string;
  showTiles?: string;
  stats?: true;
  json?: true;
}

const EXAMPLES = `
Examples:
  $ llava-onevision run 0.5b-ov radar.jpg "What is shown in this image?"
  $ llava-onevision run 7b-ov:q4_k_m before.jpg after.jpg "What changed?"
  $ llava-onevision run 0.5b-ov https://example.org/photo.jpg "Describe it." --temperature 0.7 --seed 1 --json
  $ llava-onevision run 0.5b-ov clip.mp4 "What happens?" --frames 16
  $ llava-onevision run 0.5b-ov invoice.jpg "Read the invoice." --schema invoice.schema.json
  $ curl -s https://example.org/photo.jpg | llava-onevision run 0.5b-ov - "What is this?"
  $ llava-onevision run 0.5b-ov --image photo.jpg --prompt - < question.txt
  $ llava-onevision run models/ov-f16.gguf --mmproj towers/mmproj-ov-f16.gguf photo.jpg "What is this?"

MODEL is a GGUF file, a folder, OWNER/NAME on the hub, a published model (0.5b-ov, 7b-ov, …) or demo. What is not there yet is
downloaded and converted once; :TYPE behind it says to which type.
The answer streams to stdout. With --json one object follows at the end instead: text, tokens, finishReason, usage,
media and timings in milliseconds.`;

export function runCommand(): Command {
  const command = new Command('run')
    .description('answer one question about pictures and clips')
    .usage('MODEL [PICTURE...] "QUESTION" [options]')
    .argument('[words...]', 'the model, pictures and clips (- for one from stdin), the question');
  const mediaOf = addMediaOptions(addModelFiles(command));
  command
    .option('--prompt <text>', 'the question, where it is not the last word; - reads it from stdin')
    .option('--system <text>', "system message (default: the dialect's)");
  addFormatOptions(command);
  addSamplingOptions(command);
  addModelOptions(command);
  return command
    .option('--show-tiles <file>', 'draw what the model sees into a .png or .svg', parseDrawing)
    .option('--stats', 'print token counts and times to stderr')
    .option('--json', 'print one result object instead of streaming text')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: RunFlags) => {
      try {
        const asked = await readWords(words, flags, command);
        asked.media.unshift(...mediaOf());
        await interruptible((signal) => run(asked, flags, signal));
      } catch (error) {
        reportUsage(error, command);
        throw error;
      }
    });
}

/** Loads, asks, prints. @throws what the library throws, and the signal's reason */
async function run(asked: Asked, flags: RunFlags, signal: AbortSignal): Promise<void> {
  const content: Part[] = [];
  for (const part of asked.media) content.push(await fromStdin(part, signal));
  content.push({ type: 'text', text: await readPrompt(asked.prompt, signal) });
  const messages = withSystem(flags.system, { role: 'user', content });
  const format = await formatOf(flags, signal);
  const model = await loadModel(
    { ...flags, model: asked.model },
    {
      signal,
      onMemory: (memory) => flags.stats && process.stderr.write(describeMemory(memory)),
    },
  );
  try {
    if (flags.showTiles !== undefined)
      await showTiles(flags.showTiles, model, { messages, options: { signal } });
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
  return prompt === STDIN ? (await readStdin(signal)).toString().trimEnd() : prompt;
}

async function fromStdin(part: Part, signal: AbortSignal): Promise<Part> {
  const isIt = part.type === 'image' && part.image === STDIN;
  return isIt ? { ...part, image: await readStdin(signal) } : part;
}

async function readStdin(signal: AbortSignal): Promise<Buffer> {
  try {
    return await buffer(addAbortSignal(signal, process.stdin));
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

function withSystem(system: string | undefined, question: Message): Message[] {
  return system === undefined ? [question] : [{ role: 'system', content: system }, question];
}
