/** A command's MODEL, named as its first word or by --model, and its two files, fetched and converted with bars where they must be. */
import type { Command } from 'commander';
import type { LoadOptions } from '../../load/load-options.js';
import { filesToLoad } from '../../models/files-to-load.js';
import type { ModelFiles, ResolveProgress } from '../../models/resolve-model.js';
import { createProgress, tell } from './progress.js';
import { createPullBars } from './pull-progress.js';

export const MODEL_ARGUMENT =
  'a GGUF file, a folder, OWNER/NAME on the hub, or 0.5b-ov, 7b-ov, …, demo; with :TYPE at will';

/** The flags that say which model; all but the name have defaults. */
export interface ModelNameFlags extends Pick<LoadOptions, 'offline'> {
  keepCheckpoint?: true;
  model?: string;
  mmproj?: string;
}

export function addModelFiles(command: Command): Command {
  return command
    .option('--model <model>', 'the same as MODEL', String)
    .option(
      '--mmproj <file>',
      'its vision tower, a GGUF file (default: the one that belongs to it)',
    )
    .option('--offline', 'look for the model on this machine only')
    .option('--keep-checkpoint', 'keep weights that are downloaded when they are converted');
}

/** The model's name. Takes it off the words where no flag says it; without any, ends the command with wrong usage. */
export function takeModel(
  { model }: ModelNameFlags,
  words: (string | undefined)[],
  command: Command,
): string {
  const name = model ?? words.shift() ?? command.error(`error: missing MODEL: ${MODEL_ARGUMENT}`);
  if (/\.(jpe?g|png|webp|gif|bmp|tiff?|avif|heic|mp4|m4v|mov|mkv|webm|avi)$/i.test(name))
    command.error(`error: missing MODEL before ${name}: ${MODEL_ARGUMENT}`);
  return name;
}

/** @throws what resolveModel does */
export async function namedFiles(
  { model, mmproj, offline, keepCheckpoint }: ModelNameFlags & { model: string },
  signal: AbortSignal,
): Promise<ModelFiles> {
  const bars = createBars();
  const options = { offline, keepCheckpoint, signal, onProgress: bars.update };
  return filesToLoad({ model, mmproj }, options).finally(bars.stop);
}

function createBars() {
  const download = createPullBars();
  let convert: ReturnType<typeof createProgress> | undefined;
  const stop = () => {
    download.stop();
    convert?.stop();
    convert = undefined;
  };
  return {
    stop,
    update(progress: ResolveProgress): void {
      if (progress.stage === 'download') {
        // Weights that come one file after the other are converted in between.
        if (convert) stop();
        download.update(progress);
      } else if (progress.stage === 'note') {
        stop();
        tell(progress.note);
      } else {
        if (!convert) download.stop();
        convert ??= createProgress('Converting');
        convert.update(progress.fraction, progress.detail);
      }
    },
  };
}
