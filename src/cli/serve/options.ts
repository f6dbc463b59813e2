/** The options of `serve` beside those of every model. What a value may be is said here, by the flag's name, before anything is loaded. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { collect, countFrom, numberFrom } from '../shared/flags.js';
import type { DoorFlags } from './doors.js';
import type { KeyFlags } from './keys.js';
import type { ServedFlags } from './models.js';

export interface ServeFlags extends ServedFlags, KeyFlags, DoorFlags {
  modelsMax?: number;
  host: string;
  port: number;
  auth: boolean;
  page: boolean;
  open?: boolean;
  allowHost?: string[];
  maxQueued?: number;
  defaultTemperature?: number;
  deadline?: number;
  drain?: number;
  logLevel: string;
}

/** What a timer can wait. */
const MAX_SECONDS = 2_147_483;

export function addServeOptions(command: Command): Command {
  return command
    .option('--model <model>', 'the same as the first MODEL', String)
    .option('--mmproj <file>', 'its vision tower (default: the one that belongs to it)', collect)
    .option('--offline', 'look for models on this machine only')
    .option('--keep-checkpoint', 'keep weights that are downloaded when they are converted')
    .option('--open', 'show the chat page in the browser of this machine')
    .option('--no-page', 'serve no chat page at /')
    .option('--alias <name>', "its name for clients (default: the file's)", collect)
    .option('--models-max <n>', 'how many of them are in memory at one time', countFrom(1, 1024))
    .option('--host <address>', 'where to listen', parseText, '127.0.0.1')
    .option('--port <n>', 'where to listen; 0 takes any that is free', countFrom(0, 65_535), 8080)
    .option('--api-key <key>', 'what clients have to show; may be given again', collect)
    .option('--api-key-file <file>', 'a file with such keys, one a line')
    .option('--no-auth', 'answer other machines without a key')
    .option(
      '--allow-host <name>',
      'a name that the server goes by; may be given again',
      collectText,
    )
    .option('--allow-origin <url>', 'a site whose pages may ask; may be given again', collect)
    .option('--media-dir <folder>', 'pictures and clips in it may be named by file: URLs')
    .option(
      '--allow-media-url <host>',
      'fetch pictures from it; * is any; may be given again',
      collect,
    )
    .option('--slots <n>', 'chats at one time (default: 8)', countFrom(1, 256))
    .option('--max-queued <n>', 'requests that may wait (default: 256)', countFrom(0, 2 ** 20))
    .option(
      '--default-temperature <t>',
      'of requests that leave it out (default: the model file’s, else 0)',
      numberFrom(0, 2),
    )
    .option(
      '--deadline <seconds>',
      'longest an answer may take that is not streamed',
      numberFrom(0.001, MAX_SECONDS),
    )
    .option(
      '--drain <seconds>',
      'longest to wait for answers when stopped',
      numberFrom(0, MAX_SECONDS),
    )
    .addOption(
      new Option('--log-level <level>', 'what is logged')
        .choices(['silent', 'error', 'warn', 'info', 'debug'])
        .default('info'),
    );
}

function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('Nothing is said.');
  return text;
}

const collectText = (text: string, earlier?: string[]) => collect(parseText(text), earlier);
