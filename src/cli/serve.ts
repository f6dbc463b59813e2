/** `serve`: a model behind an OpenAI-compatible HTTP server. Here are the order of things and the line at the start. */
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import type { FastifyInstance } from 'fastify';
import { byteSize } from '../byte-size.js';
import type { ApiKeys, ServerOptions } from '../server/index.js';
import { listenError, tryAddress } from './serve/address.js';
import { openInBrowser, pageLine, pageUrl } from './serve/browser.js';
import { checkDoors } from './serve/doors.js';
import { openKeys } from './serve/keys.js';
import { openModels } from './serve/models.js';
import { addServeOptions, type ServeFlags } from './serve/options.js';
import { untilStopped } from './serve/signals.js';
import { asUsage } from './shared/flags.js';
import { addModelOptions } from './shared/model-flags.js';
import { MODEL_ARGUMENT, takeModel } from './shared/named-model.js';

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
    .argument('[models...]', MODEL_ARGUMENT);
  return addModelOptions(addServeOptions(command))
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
  await checkDoors(flags);
  await tryAddress(flags);
  const { createServer } = await import('../server/index.js');
  const { isPageBuilt } = await import('../server/routes/page.js');
  const { source, names, first } = await openModels(flags);
  const { memory, maxSequences } = first.info;
  const app = createServer(source, serverOptions(flags, keys?.keys, maxSequences));
  const size = byteSize(memory.host + memory.gpu);
  try {
    await app.listen({ host: flags.host, port: flags.port }).catch((error) => {
      throw listenError(error, flags);
    });
    const page = pageUrl(urlOf(app));
    // Who reads that it is there may stop it.
    const stopped = untilStopped(app, keys?.reload);
    process.stdout.write(
      `${names.join(', ')} at ${urlOf(app)}/v1, about ${size} of memory, ${maxSequences} chats at a time\n` +
        (flags.page ? pageLine(page, isPageBuilt()) : ''),
    );
    if (flags.open && isPageBuilt()) openInBrowser(page);
    await stopped;
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
