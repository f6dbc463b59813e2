/** `--image` and `--video`, each as often as wanted, in the order of the command line. */
import { type Command, InvalidArgumentError } from 'commander';
import type { ImagePart, VideoPart } from '../../index.js';
import { parseCount } from './flags.js';

const MAX_FRAMES = 4096;

/** @returns what was given, once the command line is parsed */
export function addMediaOptions(command: Command): () => (ImagePart | VideoPart)[] {
  const media: (ImagePart | VideoPart)[] = [];
  command
    .option('--image <source>', 'path, http(s) or data: URL of a picture (repeatable)', (image) => {
      media.push({ type: 'image', image });
    })
    .option('--video <source>', 'path or URL of a clip (repeatable)', (video) => {
      media.push({ type: 'video', video });
    })
    .option('--frames <n>', 'how many frames of a clip to look at (default: 32)', parseFrames);
  return () => {
    const { frames } = command.opts<{ frames?: number }>();
    return media.map((part) => (part.type === 'video' ? { ...part, frames } : part));
  };
}

export function parseFrames(text: string): number {
  const frames = parseCount(text);
  if (frames < 1 || frames > MAX_FRAMES)
    throw new InvalidArgumentError(`Not from 1 to ${MAX_FRAMES}.`);
  return frames;
}
