/** The commands of a conversation, and how a line is read. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isThere } from '../../files/is-there.js';

interface ChatCommand {
  name:
    | 'image'
    | 'video'
    | 'system'
    | 'clear'
    | 'save'
    | 'load'
    | 'schema'
    | 'stats'
    | 'help'
    | 'exit';
  argument: string;
  /** Set when it does nothing without its argument. */
  needs?: string;
  /** Its argument is a path. */
  isPath?: boolean;
  help: string;
}

const path = { isPath: true, needs: 'a path' };

export const COMMANDS: readonly ChatCommand[] = [
  { name: 'image', argument: 'PATH', ...path, help: 'a picture for the next question' },
  { name: 'video', argument: 'PATH', ...path, help: 'a clip for the next question' },
  {
    name: 'system',
    argument: '[TEXT]',
    help: "what the model shall be; alone: the dialect's text",
  },
  { name: 'clear', argument: '', help: 'forget everything but the system message' },
  { name: 'save', argument: 'FILE', ...path, help: 'write the conversation to a file' },
  { name: 'load', argument: 'FILE', ...path, help: 'go on with a saved one' },
  {
    name: 'schema',
    argument: '[FILE]',
    isPath: true,
    help: 'a JSON schema that answers keep; alone: free again',
  },
  { name: 'stats', argument: '', help: 'tokens and times of the last answer' },
  { name: 'help', argument: '', help: 'this list' },
  { name: 'exit', argument: '', help: 'leave, as do Ctrl-D and Ctrl-C twice' },
];

export const HELP = [
  ...COMMANDS.map(({ name, argument, help }) => `  ${`/${name} ${argument}`.padEnd(16)} ${help}`),
  '  Anything else is a question; one that begins with a slash is written with two.',
].join('\n');

/** `/name argument`, or a question. Two slashes stand for one that is text. */
export function splitCommand(line: string): { command?: string; text: string } {
  const text = line.trim();
  if (text.startsWith('//')) return { text: text.slice(1) };
  const [, command, argument = ''] = /^\/(\S*)\s*(.*)$/s.exec(text) ?? [];
  return command === undefined ? { text } : { command, text: argument };
}

/**
 * As a shell would have passed it: without quotes, or without the backslashes that terminals put into the path of a
 * dropped file, `~` as the home folder. What exists under the name as it stands keeps it.
 */
export function expandPath(text: string): string {
  const quoted = /^(["'])(.*)\1$/s.exec(text)?.[2];
  const path = expandHome(quoted ?? text);
  if (quoted !== undefined || !path.includes('\\') || isThere(path)) return path;
  return expandHome(unescapePath(text));
}

export function unescapePath(text: string): string {
  // There it separates folders.
  return process.platform === 'win32' ? text : text.replace(/\\(.)/gs, '$1');
}

function expandHome(path: string): string {
  return /^~(\/|$)/.test(path) ? join(homedir(), path.slice(1)) : path;
}
