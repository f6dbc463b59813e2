/** What Tab offers: names of commands, then paths where a command takes one. */
import { readdir } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS, expandPath, unescapePath } from './commands.js';

type Done = (error: null, result: [completions: string[], replaced: string]) => void;

const NAMES = COMMANDS.map(({ name, argument }) => `/${name}${argument && ' '}`);

/** A completer of node:readline. */
export function complete(line: string, done: Done): void {
  const command = COMMANDS.find(({ name, isPath }) => isPath && line.startsWith(`/${name} `));
  if (command) completePath(line.slice(command.name.length + 2).trimStart(), done);
  else done(null, [NAMES.filter((name) => line !== '' && name.startsWith(line)), line]);
}

function completePath(typed: string, done: Done): void {
  const folder = typed.slice(0, typed.lastIndexOf('/') + 1);
  const start = unescapePath(typed.slice(folder.length));
  // In the manner of what is there.
  const isEscaped = unescapePath(typed) !== typed;
  const written = (name: string) => (isEscaped ? name.replace(/[^\w./+,@%-]/g, '\\$&') : name);
  readdir(join(expandPath(folder) || '.'), { withFileTypes: true }, (_, entries = []) => {
    // A folder that cannot be read has no entries.
    const fitting = entries.filter(
      ({ name }) => name.startsWith(start) && (start !== '' || !name.startsWith('.')),
    );
    const names = fitting.map(
      (entry) => `${folder}${written(entry.name)}${entry.isDirectory() ? '/' : ''}`,
    );
    done(null, [names.sort(), typed]);
  });
}
