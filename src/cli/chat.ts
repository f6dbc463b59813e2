/** `chat`: a conversation in the terminal, or with the lines of a pipe as turns. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import type { ImagePart, VideoPart } from '../index.js';
import { ChatLines } from './chat/lines.js';
import { mediaPart } from './run/words.js';
import { reportUsage } from './shared/flags.js';
import { Interrupted, interruptible } from './shared/interrupt.js';
import { addModelOptions, loadModel, type ModelFlags } from './shared/model-flags.js';
import { addModelFiles, MODEL_ARGUMENT, takeModel } from './shared/named-model.js';
import { addSamplingOptions, type SamplingFlags, samplingOf } from './shared/sampling-flags.js';
import { shellQuote } from './shared/shell-quote.js';

interface ChatFlags extends ModelFlags, SamplingFlags {
  system?: string;
  load?: string;
}

type Media = (ImagePart | VideoPart)[];

const EXAMPLES = `
Examples:
  $ llava-onevision chat 0.5b-ov radar.jpg
  $ llava-onevision chat 0.5b-ov
  > /image radar.jpg
  > What is shown in this image?
  $ printf '%s\\n' '/image radar.jpg' 'What is shown?' 'Which value is highest?' |
      llava-onevision chat 0.5b-ov

Answers go to stdout, everything else to stderr. /help lists the commands. Ctrl-C stops an answer, twice leaves.`;

export function chatCommand(): Command {
  const command = new Command('chat')
    .description('talk about pictures and clips')
    .argument('[model]', MODEL_ARGUMENT)
    .argument('[media...]', 'pictures and clips for the first question');
  addModelFiles(command)
    .option('--system <text>', "system message (default: the dialect's)")
    .option('--load <file>', 'go on with a session that /save has written');
  addSamplingOptions(command);
  return addModelOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (_word: string | undefined, _media: string[], flags: ChatFlags) => {
      try {
        const words = [...command.args];
        const model = takeModel(flags, words, command);
        refuseQuestions(words, model, command);
        const media: Media = [];
        // One after the other: the first that is none ends the command.
        for (const word of words) media.push(await mediaPart(word, undefined, command));
        await chat({ ...flags, model }, media);
      } catch (error) {
        reportUsage(error, command);
        throw error;
      }
    });
}

function refuseQuestions(words: readonly string[], model: string, command: Command): void {
  const question = words.find((word) => /\s/.test(word) && !existsSync(word));
  if (question !== undefined)
    command.error(
      `error: "${question}" is asked once chat runs; alone by llava-onevision run ${[model, ...words].map((word) => shellQuote(word)).join(' ')}`,
    );
}

/** @throws what loading does, and Interrupted when a script is interrupted twice */
async function chat(flags: ChatFlags & { model: string }, media: Media): Promise<void> {
  // Imported here so that other commands start without it.
  const { ChatTurns } = await import('./chat/turns.js');
  await using model = await interruptible((signal) => loadModel(flags, { signal }));
  const { system, load, maxPixels } = flags;
  const session = load
    ? await model.loadSession(load)
    : model.session(system === undefined ? {} : { system });
  // Checks the options now, not at the first question; a stream that nobody reads does nothing.
  session.chat('', samplingOf(flags));
  const turns = new ChatTurns(model, session, {
    sampling: samplingOf(flags),
    ...(maxPixels !== undefined && { maxPixels }),
  });
  const lines = new ChatLines(() => turns.stop());
  if (lines.isInteractive) turns.greet();
  for (const part of media)
    await turns.attach(part.type, String(part.type === 'image' ? part.image : part.video));
  try {
    for await (const line of lines) {
      lines.quiet(true);
      await turns.take(line);
      lines.quiet(false);
      if (turns.hasLeft) break;
    }
  } finally {
    lines.close();
  }
  if (lines.wasInterrupted && !lines.isInteractive) throw new Interrupted();
  if (turns.hasFailed && !lines.isInteractive) process.exitCode = 1;
}
