/** Who answers the benchmarks: model files, or a server. */
import { type Command, Option } from 'commander';
import type { Asker } from '../../eval/asker.js';
import { addModelOptions, loadModel, type ModelFlags } from '../shared/model-flags.js';
import { addModelFiles, namedFiles } from '../shared/named-model.js';

export interface AskerFlags extends ModelFlags {
  endpoint?: string;
  endpointModel?: string;
  endpointVideo?: 'url' | 'frames';
  apiKey?: string;
  concurrency: number;
}

/** Known before a model is loaded, which may take minutes. */
export interface AskerSource extends Pick<Asker, 'identity' | 'label'> {
  open(signal: AbortSignal): Promise<OpenedAsker>;
}

export interface OpenedAsker extends AsyncDisposable {
  asker: Asker;
}

export function addAskerOptions(command: Command): Command {
  addModelFiles(command)
    .option('--endpoint <url>', 'ask an OpenAI-compatible server instead: http://HOST:PORT/v1')
    .option('--endpoint-model <name>', "the server's name of the model")
    .addOption(
      new Option('--endpoint-video <how>', 'send clips whole, or as pictures of their frames')
        .choices(['url', 'frames'])
        .default('url'),
    )
    .addOption(new Option('--api-key <key>', "the server's key").env('OPENAI_API_KEY'));
  return addModelOptions(command);
}

/** Wrong combinations end the process with status 2. @throws what resolveModel does */
export async function askerSource(
  flags: AskerFlags,
  command: Command,
  signal: AbortSignal,
): Promise<AskerSource> {
  const { endpoint, endpointModel, model, mmproj } = flags;
  if (endpoint === undefined) {
    if (model === undefined) return command.error(`error: ${NO_ASKER}`);
    const files = await namedFiles({ ...flags, model }, signal);
    if (files.mmproj === null)
      return command.error(`error: no mmproj belongs to ${files.model}: name it with --mmproj`);
    return localSource({ ...flags, model: files.model, mmproj: files.mmproj });
  }
  if (model !== undefined || mmproj !== undefined)
    command.error('error: --endpoint asks a server, so a model and its mmproj do not go with it');
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint))
    command.error(`error: option '--endpoint <url>': expected http(s)://…, not ${endpoint}`);
  if (endpointModel === undefined) return command.error('error: --endpoint needs --endpoint-model');
  return serverSource({ ...flags, endpoint, endpointModel });
}

export const NO_ASKER = 'expected MODEL before the benchmarks, or --endpoint';

async function serverSource(
  flags: AskerFlags & { endpoint: string; endpointModel: string },
): Promise<AskerSource> {
  const { endpointAsker } = await import('../../eval/endpoint-asker.js');
  const { endpoint: url, endpointModel: model, apiKey, endpointVideo, ffmpegPath } = flags;
  const asker = endpointAsker({
    url,
    model,
    apiKey,
    ...(endpointVideo && { video: endpointVideo }),
    ...(ffmpegPath !== undefined && { ffmpegPath }),
  });
  const open = async () => ({ asker, [Symbol.asyncDispose]: async () => {} });
  return { identity: asker.identity, label: asker.label, open };
}

async function localSource(
  flags: AskerFlags & { model: string; mmproj: string },
): Promise<AskerSource> {
  const { EVAL_LOAD_OPTIONS, localAsker, localIdentity } = await import(
    '../../eval/local-asker.js'
  );
  const about = await localIdentity(flags);
  const { dialect = EVAL_LOAD_OPTIONS.dialect, multiImage } = flags;
  const { prefixCache } = EVAL_LOAD_OPTIONS;
  const more = { prefixCache, maxSequences: flags.concurrency };
  return {
    ...about,
    async open(signal) {
      const model = await loadModel({ ...flags, dialect }, { signal, more });
      return {
        asker: localAsker(model, { ...about, ...(multiImage && { multiImage }) }),
        [Symbol.asyncDispose]: () => model.dispose(),
      };
    },
  };
}
