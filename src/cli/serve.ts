/** `serve`: a model behind an OpenAI-compatible HTTP server. Here are flags, signals and the line at the start. */
import type { AddressInfo } from 'node:net';
import { Command, Option } from 'commander';
import type { FastifyInstance } from 'fastify';
import { byteSize } from '../byte-size.js';
import type { ApiKeys, ServerOptions } from '../server/index.js';
import { openInBrowser, pageLine, pageUrl } from './serve/browser.js';
import { type KeyFlags, openKeys } from './serve/keys.js';
import { openModels, type ServedFlags } from './serve/models.js';
import { untilStopped } from './serve/signals.js';
import { asUsage, collect, parseCount, parseNumber } from './shared/flags.js';
import { addModelOptions } from './shared/model-flags.js';
import { MODEL_ARGUMENT, takeModel } from './shared/named-model.js';

interface ServeFlags extends ServedFlags, KeyFlags {
  modelsMax?: number;
  host: string;
  port: number;
  auth: boolean;
  page: boolean;
  open?: boolean;
  allowHost?: string[];
  allowOrigin?: string[];
  mediaDir?: string;
  allowMediaUrl?: string[];
  maxQueued?: number;
  defaultTemperature?: number;
  deadline?: number;
  drain?: number;
  logLevel: string;
}

const EXAMPLES = `
Examples:
  $ llava-onevision serve 0.5b-ov --open
  $ llava-onevision serve 7b-ov --host 0.0.0.0 --api-key-file keys.txt
  $ llava-onevision serve ov-q8_0.gguf --allow-media-url images.example.org

People chat at the page that is printed. Clients of OpenAI's API take the URL that is printed, with /v1. Other machines are answered only where there are keys, or with
--no-auth. SIGTERM and Ctrl-C let answers finish, SIGHUP reads the file of keys again. Requests are logged to stderr, never what
was asked or answered.`;

export function serveCommand(): Command {
  const command = new Command('serve')
    .description("answer clients of OpenAI's API over HTTP")
    .argument('[models...]', MODEL_ARGUMENT)
    .option('--model <model>', 'the same as the first MODEL', String)
    .option('--mmproj <file>', 'its vision tower (default: the one that belongs to it)', collect)
    .option('--offline', 'look for models on this machine only')
    .option('--open', 'show the chat page in the browser of this machine')
    .option('--no-page', 'serve no chat page at /')
    .option('--alias <name>', "its name for clients (default: the file's)", collect)
    .option('--models-max <n>', 'how many of them are in memory at one time', parseCount)
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <n>', 'where to listen; 0 takes any that is free', parseCount, 8080)
    .option('--api-key <key>', 'what clients have to show; may be given again', collect)
    .option('--api-key-file <file>', 'a file with such keys, one a line')
    .option('--no-auth', 'answer other machines without a key')
    .option('--allow-host <name>', 'a name that the server goes by; may be given again', collect)
    .option('--allow-origin <url>', 'a site whose pages may ask; may be given again', collect)
    .option('--media-dir <folder>', 'pictures and clips in it may be named by file: URLs')
    .option(
      '--allow-media-url <host>',
      'fetch pictures from it; * is any; may be given again',
      collect,
    )
    .option('--slots <n>', 'chats at one time (default: 8)', parseCount)
    .option('--max-queued <n>', 'requests that may wait (default: 256)', parseCount)
    .option(
      '--default-temperature <t>',
      'of requests that leave it out (default: the model file’s, else 0)',
      parseNumber,
    )
    .option('--deadline <seconds>', 'longest an answer may take that is not streamed', parseNumber)
    .option('--drain <seconds>', 'longest to wait for answers when stopped', parseNumber)
    .addOption(
      new Option('--log-level <level>', 'what is logged')
        .choices(['silent', 'error', 'warn', 'info', 'debug'])
        .default('info'),
    );
  return addModelOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((words: string[], flags: Omit<ServeFlags, 'models'>) =>
      asUsage(command, () => {
        const models = [
          takeModel(flags.model === undefined ? {} : { model: flags.model }, words, command),
          ...words,
        ];
        return serve({ ...flags, models }, command);
      }),
    );
}

/** Loads, listens, and returns when it has been stopped. */
async function serve(flags: ServeFlags, command: Command): Promise<void> {
  if (flags.open && !flags.page)
    command.error("error: option '--open' needs the chat page; leave out --no-page");
  const keys = await openKeys(flags);
  if (!keys && flags.auth && !isLoopback(flags.host))
    command.error(
      `error: option '--host <address>': other machines can reach ${flags.host}; give --api-key-file, or --no-auth to answer all`,
    );
  const { createServer } = await import('../server/index.js');
  const { isPageBuilt } = await import('../server/routes/page.js');
  const { source, names, first } = await openModels(flags);
  const { memory, maxSequences } = first.info;
  const app = createServer(source, serverOptions(flags, keys?.keys, maxSequences));
  const size = byteSize(memory.host + memory.gpu);
  try {
    await app.listen({ host: flags.host, port: flags.port });
    const page = pageUrl(urlOf(app));
    process.stdout.write(
      `${names.join(', ')} at ${urlOf(app)}/v1, about ${size} of memory, ${maxSequences} chats at a time\n` +
        (flags.page ? pageLine(page, isPageBuilt()) : ''),
    );
    if (flags.open && isPageBuilt()) openInBrowser(page);
    await untilStopped(app, keys?.reload);
  } finally {
    await app.close();
    await first.dispose();
  }
}

function serverOptions(
  flags: ServeFlags,
  apiKeys: ApiKeys | undefined,
  slots: number,
): ServerOptions {
  const { host, allowHost = [], allowOrigin, maxQueued, deadline, drain, logLevel } = flags;
  const { defaultTemperature } = flags;
  return {
    noAuth: !flags.auth,
    page: flags.page,
    slots,
    allowHosts: [...allowHost, host],
    media: {
      ...(flags.mediaDir !== undefined && { mediaDir: flags.mediaDir }),
      ...(flags.ffmpegPath !== undefined && { ffmpegPath: flags.ffmpegPath }),
      ...(flags.allowMediaUrl && { allowUrls: flags.allowMediaUrl }),
    },
    ...(apiKeys && { apiKeys }),
    ...(flags.modelsMax !== undefined && { maxModels: flags.modelsMax }),
    ...(allowOrigin && { allowOrigins: allowOrigin }),
    ...(maxQueued !== undefined && { maxQueued }),
    ...(defaultTemperature !== undefined && { defaultTemperature }),
    ...(deadline !== undefined && { deadlineMs: Math.round(deadline * 1000) }),
    ...(drain !== undefined && { drainMs: Math.round(drain * 1000) }),
    logger: logLevel === 'silent' ? false : { level: logLevel, stream: process.stderr },
  };
}

function urlOf(app: FastifyInstance): string {
  const { address, port } = app.server.address() as AddressInfo;
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
