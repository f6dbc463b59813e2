/** Who answers the benchmarks: model files, or a server. */
import { type Command, Option } from 'commander';
import type { Asker } from '../../eval/asker.js';
import { addModelOptions, loadModel, type ModelFlags } from '../shared/model-flags.js';

export interface AskerFlags extends Omit<ModelFlags, 'model' | 'mmproj'> {
  model?: string;
  mmproj?: string;
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
  command
    .option('--model <file>', 'the decoder, a GGUF file made by convert')
    .option('--mmproj <file>', 'its vision tower, a GGUF file made by convert')
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

/** Wrong combinations end the process with status 2. @throws ERR_MODEL_LOAD */
export async function askerSource(flags: AskerFlags, command: Command): Promise<AskerSource> {
  const { endpoint, endpointModel, model, mmproj } = flags;
  if (endpoint === undefined) {
    if (model === undefined || mmproj === undefined)
      return command.error('error: expected --model and --mmproj, or --endpoint');
    return localSource({ ...flags, model, mmproj });
  }
  if (model !== undefined || mmproj !== undefined)
    command.error('error: --endpoint asks a server, so --model and --mmproj do not go with it');
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint))
    command.error(`error: option '--endpoint <url>': expected http(s)://…, not ${endpoint}`);
  if (endpointModel === undefined) return command.error('error: --endpoint needs --endpoint-model');
  return serverSource({ ...flags, endpoint, endpointModel });
}

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
