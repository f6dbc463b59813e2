/** A first word that is no command, though it says what is meant: a model or a picture, or what other programs call a command of ours. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { shortNames } from '../../models/model-name.js';
import { shellQuote } from './shell-quote.js';

const OURS: Readonly<Record<string, string>> = {
  ...{ list: 'models', ls: 'models', rm: 'models rm', ps: 'models' },
  ...{ ask: 'run', generate: 'run', download: 'pull', start: 'serve', version: '--version' },
};

export function explainUnknownCommand(program: Command): void {
  // A method that commander has and does not declare.
  const own = program as unknown as { unknownCommand?(): void };
  const unknown = own.unknownCommand?.bind(program);
  if (!unknown) return;
  own.unknownCommand = () => {
    const [word = '', ...rest] = program.args;
    const meant = Object.hasOwn(OURS, word) ? OURS[word] : asked(word, rest);
    if (meant !== undefined)
      program.error(`error: unknown command '${word}'\n(Did you mean llava-onevision ${meant}?)`);
    unknown();
  };
}

/** What asks the model that a word names, or any model about the picture that it is. */
function asked(word: string, rest: readonly string[]): string | undefined {
  const isModel = shortNames.includes(word.replace(/:\w+$/, '').toLowerCase());
  const isWeights = /\.gguf$/i.test(word) || /^[\w.-]+\/[\w.-]+(:\w+)?$/.test(word);
  const words = [word, ...rest].map((one) => shellQuote(one));
  if (isModel || (isWeights && !/\.(jpe?g|png|webp|mp4)$/i.test(word)))
    return ['run', ...words].join(' ');
  return existsSync(word) ? ['run MODEL', ...words].join(' ') : undefined;
}
