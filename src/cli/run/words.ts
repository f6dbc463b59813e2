/** The words of `run`: the model, pictures and clips, the question last; as far as flags do not say them. */
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { withFile } from '../../files/with-file.js';
import type { ImagePart, VideoPart } from '../../index.js';
import { mediaType } from '../../media/sniff.js';
import { type ModelNameFlags, takeModel } from '../shared/named-model.js';

export interface Asked {
  model: string;
  media: (ImagePart | VideoPart)[];
  /** The question; - for stdin's. */
  prompt: string;
}

interface Flags extends ModelNameFlags {
  prompt?: string;
  frames?: number;
}

/** A picture of which the bytes are still to be read. */
export const STDIN = '-';

/** @param words as they are left; wrong ones end the command with status 2 */
export async function readWords(
  given: readonly string[],
  flags: Flags,
  command: Command,
): Promise<Asked> {
  const words = [...given];
  const model = takeModel(flags, words, command);
  const prompt = flags.prompt ?? words.pop();
  if (prompt === undefined)
    return command.error('error: missing the question, as the last word or with --prompt');
  if (flags.prompt === undefined && (await isFile(prompt))) {
    const question = words.find((word) => /\s/.test(word) && !/[/\\]/.test(word));
    if (question !== undefined && !(await isFile(question)))
      command.error(`error: the question "${question}" stands last, behind pictures and clips`);
    command.error(`error: missing the question: the last word, ${prompt}, is a file`);
  }
  const media: Asked['media'] = [];
  for (const word of words) media.push(await mediaPart(word, flags.frames, command));
  const fromStdin = [...words, prompt].filter((word) => word === STDIN);
  if (fromStdin.length > 1) command.error('error: stdin (-) can be read once');
  return { model, media, prompt };
}

/** Anything else than one picture or clip ends the command with status 2. */
export async function mediaPart(
  word: string,
  frames: number | undefined,
  command: Command,
): Promise<ImagePart | VideoPart> {
  const info = await stat(word).catch(() => undefined);
  const isMany = info?.isDirectory() || (!info && /[*?[\]{}]/.test(word) && !/^\w+:/.test(word));
  if (isMany)
    command.error(
      `error: ${word} is ${info ? 'a folder' : 'a pattern'}, and ${command.name()} takes pictures one by one: ` +
        `llava-onevision batch MODEL --input '${info ? `${word.replace(/\/$/, '')}/*` : word}' --prompt "…" --out answers.jsonl`,
    );
  // What has neither an ending nor a folder is a word of a question.
  if (!info && word !== STDIN && /^[^./\\:]+$/.test(word))
    command.error(
      `error: there is no picture ${word}; a question of several words stands in quotes: "What is this?"`,
    );
  const isClip = info
    ? await startsAsClip(word)
    : /^data:video\/|\.(mp4|m4v|mov|mkv|webm|avi)$/i.test(pathOf(word));
  return isClip
    ? { type: 'video', video: word, ...(frames !== undefined && { frames }) }
    : { type: 'image', image: word };
}

/** Of an address, without its query. */
function pathOf(word: string): string {
  return /^https?:/i.test(word) && URL.canParse(word) ? new URL(word).pathname : word;
}

async function startsAsClip(path: string): Promise<boolean> {
  const head = await withFile(path, 'r', async (file) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  }).catch(() => Buffer.alloc(0));
  return mediaType(head)?.startsWith('video/') === true;
}

async function isFile(word: string): Promise<boolean> {
  return (await stat(word).catch(() => undefined))?.isFile() === true;
}
