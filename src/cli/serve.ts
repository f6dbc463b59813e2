/** `serve`: a model behind an OpenAI-compatible HTTP server. Here are flags, signals and the line at the start. */
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import type { FastifyInstance } from 'fastify';
import type { ApiKeys, ServerOptions } from '../server/index.js';
import { type KeyFlags, openKeys } from './serve/keys.js';
import { untilStopped } from './serve/signals.js';
import { byteSize } from './shared/byte-size.js';
import { asUsage, collect, parseCount, parseNumber } from './shared/flags.js';
import { interruptible } from './shared/interrupt.js';
import { addModelOptions, loadModel, type ModelFlags } from './shared/model-flags.js';

interface ServeFlags extends ModelFlags, KeyFlags {
  alias?: string;
  host: string;
  port: number;
  auth: boolean;
  allowHost?: string[];
  allowOrigin?: string[];
  mediaDir?: string;
  allowMediaUrl?: string[];
  slots?: number;
  maxQueued?: number;
  deadline?: number;
  drain?: number;
  logLevel: string;
}

const EXAMPLES = `
Examples:
  $ llava-onevision serve ov-q8_0.gguf --mmproj mmproj-ov-f16.gguf
  $ llava-onevision serve ov-q8_0.gguf --mmproj mmproj-ov-f16.gguf --host 0.0.0.0 --api-key-file keys.txt
  $ llava-onevision serve ov-q8_0.gguf --mmproj mmproj-ov-f16.gguf --allow-media-url images.example.org

Clients of OpenAI's API take the URL that is printed, with /v1. Other machines are answered only where there are keys, or with
--no-auth. SIGTERM and Ctrl-C let answers finish, SIGHUP reads the file of keys again. Requests are logged to stderr, never what
was asked or answered.`;

export function serveCommand(): Command {
  const command = new Command('serve')
    .description("answer clients of OpenAI's API over HTTP")
    .argument('<model>', 'the decoder, a GGUF file made by convert')
    .option('--mmproj <file>', 'its vision tower, a GGUF file made by convert')
    .option('--alias <name>', "the model's name for clients (default: the file's)")
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
    .option('--deadline <seconds>', 'longest an answer may take that is not streamed', parseNumber)
    .option('--drain <seconds>', 'longest to wait for answers when stopped', parseNumber)
    .addOption(
      new Option('--log-level <level>', 'what is logged')
        .choices(['silent', 'error', 'warn', 'info', 'debug'])
        .default('info'),
    );
  return addModelOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((model: string, flags: ServeFlags) =>
      asUsage(command, () => serve({ ...flags, model }, command)),
    );
}

/** Loads, listens, and returns when it has been stopped. */
async function serve(flags: ServeFlags, command: Command): Promise<void> {
  const keys = await openKeys(flags);
  if (!keys && flags.auth && !isLoopback(flags.host))
    command.error(
      `error: option '--host <address>': other machines can reach ${flags.host}; give --api-key-file, or --no-auth to answer all`,
    );
  const { createServer } = await import('../server/index.js');
  const more = flags.slots === undefined ? {} : { maxSequences: flags.slots };
  await using model = await interruptible((signal) => loadModel(flags, { signal, more }));
  const app = createServer(model, serverOptions(flags, keys?.keys, model.info.maxSequences));
  await app.listen({ host: flags.host, port: flags.port });
  const { memory, maxSequences } = model.info;
  const size = byteSize(memory.host + memory.gpu);
  process.stdout.write(
    `${nameOf(flags)} at ${urlOf(app)}/v1, about ${size} of memory, ${maxSequences} chats at a time\n`,
  );
  await untilStopped(app, keys?.reload);
}

function serverOptions(
  flags: ServeFlags,
  apiKeys: ApiKeys | undefined,
  slots: number,
): ServerOptions {
  const { host, allowHost = [], allowOrigin, maxQueued, deadline, drain, logLevel } = flags;
  return {
    modelName: nameOf(flags),
    noAuth: !flags.auth,
    slots,
    allowHosts: [...allowHost, host],
    media: {
      ...(flags.mediaDir !== undefined && { mediaDir: flags.mediaDir }),
      ...(flags.ffmpegPath !== undefined && { ffmpegPath: flags.ffmpegPath }),
      ...(flags.allowMediaUrl && { allowUrls: flags.allowMediaUrl }),
    },
    ...(apiKeys && { apiKeys }),
    ...(allowOrigin && { allowOrigins: allowOrigin }),
    ...(maxQueued !== undefined && { maxQueued }),
    ...(deadline !== undefined && { deadlineMs: Math.round(deadline * 1000) }),
    ...(drain !== undefined && { drainMs: Math.round(drain * 1000) }),
    logger: logLevel === 'silent' ? false : { level: logLevel, stream: process.stderr },
  };
}

function nameOf({ alias, model }: ServeFlags): string {
  return alias ?? basename(model).replace(/\.gguf$/, '');
}

function urlOf(app: FastifyInstance): string {
  const { address, port } = app.server.address() as AddressInfo;
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
