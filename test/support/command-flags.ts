/** The flags that commands take, and those that a text names. */
import type { Command } from 'commander';
import { USAGE } from '../../scripts/build/build-options.mjs';

/** @param words behind the program's name @returns undefined where the first is no command */
export function commandOf(program: Command, words: readonly string[]): Command | undefined {
  const command = program.commands.find((one) => one.name() === words[0]);
  return command?.commands.find((one) => one.name() === words[1]) ?? defaultOf(command) ?? command;
}

/** `eval NAME` is `eval run NAME`. */
function defaultOf(command: Command | undefined): Command | undefined {
  return command?.name() === 'eval'
    ? command.commands.find((one) => one.name() === 'run')
    : undefined;
}

/** Also what the script behind `build` reads, and what all take. */
export function flagsOf(command: Command): string[] {
  const own = command.options.flatMap(({ short, long }) => [short, long]);
  const build = command.name() === 'build' ? flagsIn(USAGE) : [];
  return [...own, ...build, '--help', '--quiet', '--version'].filter((flag) => flag !== undefined);
}

export function flagsIn(text: string): string[] {
  return Array.from(text.matchAll(/(?<![\w-])--[a-z][\w-]*/g), ([flag]) => flag);
}
