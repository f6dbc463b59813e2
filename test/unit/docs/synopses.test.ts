/** docs/cli.md and the commands: what the page says a command takes it takes, and what it takes the page says, or one that it names. */
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.js';
import { commandOf, flagsIn, flagsOf } from '../../support/command-flags.js';
import { fencesOf, pageText } from '../../support/fences.js';

const PAGE = 'docs/cli.md';
const program = createProgram();
const sections = new Map(
  pageText(PAGE)
    .split(/^## /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text]),
);
const shown = program.commands.filter((command) => !('_hidden' in command && command._hidden));

test('every command has its section, and no other', () => {
  expect([...sections.keys()].sort()).toEqual(shown.map((command) => command.name()).sort());
});

test('each synopsis is of the section that it stands in', () => {
  for (const { code } of fencesOf(PAGE).filter(({ language }) => language === 'usage'))
    for (const line of code.trim().split('\n')) {
      const words = line.split(' ');
      expect(words[0]).toBe('llava-onevision');
      expect(sections.get(words[1]!)).toContain(line);
    }
});

describe.each(shown.map((command) => ({ name: command.name(), command })))(
  '$name',
  ({ name, command }) => {
    const section = sections.get(name) ?? '';

    test('takes what its section says', () => {
      const synopses = fencesOf(PAGE)
        .filter(({ code, language }) => language === 'usage' && section.includes(code))
        .flatMap(({ code }) => code.trim().split('\n'));
      expect(synopses.length).toBeGreaterThan(0);
      for (const line of synopses) {
        const known = flagsOf(commandOf(program, line.split(' ').slice(1))!);
        expect(flagsIn(line).filter((flag) => !known.includes(flag))).toEqual([]);
      }
      const options = Array.from(section.matchAll(/^\| (`--.*?) \|/gm), ([, cell]) => cell!);
      const all = [command, ...command.commands].flatMap(flagsOf);
      expect(flagsIn(options.join(' ')).filter((flag) => !all.includes(flag))).toEqual([]);
    });

    test('has all that it takes said', () => {
      // Options of `run` that others take too are explained there.
      const run = /`run`/.test(section) ? sections.get('run')! : '';
      const linked = Array.from(section.matchAll(/\]\(([\w-]+\.md)/g), ([, page]) =>
        pageText(`docs/${page}`),
      );
      const said = flagsIn([section, run, pageText(PAGE).split(/^## /m)[0]!, ...linked].join('\n'));
      const unsaid = (one: Command) =>
        one.options
          .filter(
            ({ hidden, short, long }) =>
              !hidden && ![short, long].some((flag) => said.includes(flag!)),
          )
          .map(({ long }) => `${one.name()} ${long}`);
      expect([command, ...command.commands].flatMap(unsaid)).toEqual([]);
    });
  },
);
