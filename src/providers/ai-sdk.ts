/**
 * A loaded model as a language model of the AI SDK, in this process. The SDK's prompts and options in, its parts out; the
 * model stays the caller's, to be disposed of by the caller. Nothing of the SDK is loaded: only its types are used.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider';
import type { LlavaOneVision } from '../llava-onevision.js';
import { checkOptions } from '../option-checks.js';
import { type Call, callOf, type LlavaProviderOptions } from './ai-sdk/call-options.js';
import { contentOf, endOf, streamParts } from './ai-sdk/stream-parts.js';

export type { LlavaProviderOptions } from './ai-sdk/call-options.js';

export interface LlavaModelOptions {
  /** How results name the model. Default 'llava-onevision'. */
  modelId?: string;
  /** Holds unless a call's `providerOptions.llavaOneVision` says otherwise. */
  defaults?: LlavaProviderOptions;
}

/** @param model a loaded model, or the promise of one @throws ERR_INVALID_ARGUMENT; calls throw what `chat` does */
export function llavaOneVision(
  model: LlavaOneVision | PromiseLike<LlavaOneVision>,
  options: LlavaModelOptions = {},
): LanguageModelV4 {
  const { modelId = 'llava-onevision', defaults = {} } = checkOptions<LlavaModelOptions>(
    'options',
    options,
    ['modelId', 'defaults'],
  );
  const start = async (given: LanguageModelV4CallOptions): Promise<Started> => {
    const call = callOf(given, defaults);
    const loaded = await model;
    return { ...call, stream: loaded.chat(call.messages, call.options) };
  };
  return {
    specificationVersion: 'v4',
    provider: 'llava-onevision',
    modelId,
    // None: the SDK fetches what prompts name, as the app allows it.
    supportedUrls: {},
    doGenerate: async (given) => generated(await start(given), modelId),
    doStream: async (given) => streamed(await start(given), modelId),
  };
}

interface Started extends Call {
  stream: ReturnType<LlavaOneVision['chat']>;
}

async function generated(
  { stream, warnings }: Started,
  modelId: string,
): Promise<LanguageModelV4GenerateResult> {
  const result = await stream.result;
  const response = { modelId, timestamp: new Date() };
  return { content: contentOf(result), ...endOf(result), response, warnings };
}

function streamed(
  { stream, warnings, options }: Started,
  modelId: string,
): LanguageModelV4StreamResult {
  const parts = withResponse(streamParts(stream, warnings), modelId);
  return {
    stream: new ReadableStream<LanguageModelV4StreamPart>({
      async pull(controller) {
        try {
          const { done, value } = await parts.next();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          if (options.signal?.aborted) return controller.error(error);
          controller.enqueue({ type: 'error', error });
          controller.close();
        }
      },
      async cancel() {
        await parts.return(undefined);
      },
    }),
  };
}

async function* withResponse(
  parts: AsyncGenerator<LanguageModelV4StreamPart, undefined>,
  modelId: string,
): AsyncGenerator<LanguageModelV4StreamPart, undefined> {
  for await (const part of parts) {
    yield part;
    if (part.type === 'stream-start')
      yield { type: 'response-metadata', modelId, timestamp: new Date() };
  }
}
