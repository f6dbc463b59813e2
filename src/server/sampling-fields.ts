/** How the answer is drawn, as the API says it, to the options of a chat. Names of vLLM's and llama-server's are known, too. */
import type { ChatOptions } from '../chat/chat-options.js';
import { badRequest } from './api-error.js';
import { type Fields, wrong } from './fields.js';

const MAX_STOPS = 16;
const MAX_STOP_LENGTH = 1000;
const MAX_BIASED = 1024;
const MAX_COUNT = 2 ** 31 - 1;
/** OpenAI's top_p may be 0, which means the most probable token. */
const LEAST_TOP_P = 1e-9;

/** @throws 400 */
export function readSampling(body: Fields, defaultTemperature: number | undefined): ChatOptions {
  const share = { min: 0, max: 1 };
  const penalty = { min: -2, max: 2 };
  const topP = body.number('top_p', share);
  const topK = body.number('top_k', { min: -1, max: MAX_COUNT, integer: true });
  const repetition = { min: 0.01, max: 100 };
  const options: ChatOptions = {
    temperature: body.number('temperature', { min: 0, max: 2 }) ?? defaultTemperature,
    topP: topP === undefined ? undefined : Math.max(topP, LEAST_TOP_P),
    topK: topK === -1 ? 0 : topK,
    minP: body.number('min_p', share),
    typicalP: body.number('typical_p', { min: 0.01, max: 1 }),
    repetitionPenalty:
      body.number('repetition_penalty', repetition) ?? body.number('repeat_penalty', repetition),
    presencePenalty: body.number('presence_penalty', penalty),
    frequencyPenalty: body.number('frequency_penalty', penalty),
    seed: readSeed(body),
    stop: readStop(body),
    logitBias: readBias(body),
  };
  return given(options);
}

/** The API's seeds have 64 bits, some clients' are negative. */
function readSeed(body: Fields): number | undefined {
  const max = Number.MAX_SAFE_INTEGER;
  const seed = body.number('seed', { min: -max, max, integer: true });
  return seed === undefined ? undefined : Number(BigInt.asUintN(32, BigInt(seed)));
}

function readStop(body: Fields): string[] | undefined {
  const value = body.value('stop');
  if (value === undefined) return undefined;
  const stops: unknown[] = Array.isArray(value) ? value : [value];
  const isStop = (stop: unknown) =>
    typeof stop === 'string' && stop !== '' && stop.length <= MAX_STOP_LENGTH;
  if (stops.length <= MAX_STOPS && stops.every(isStop)) return stops as string[];
  const expected = `up to ${MAX_STOPS} texts of 1 to ${MAX_STOP_LENGTH} characters`;
  throw wrong('stop', expected, value);
}

function readBias(body: Fields): Record<number, number> | undefined {
  const entries = body.object('logit_bias')?.entries();
  if (!entries) return undefined;
  if (entries.length > MAX_BIASED)
    throw badRequest('logit_bias', `'logit_bias' may name at most ${MAX_BIASED} tokens.`);
  for (const [token, bias] of entries) {
    const fits = typeof bias === 'number' && Math.abs(bias) <= 100;
    if (!/^\d{1,9}$/.test(token) || !fits)
      throw badRequest(
        'logit_bias',
        "'logit_bias' maps ids of tokens to numbers from -100 to 100.",
      );
  }
  return Object.fromEntries(entries) as Record<number, number>;
}

/** Without those that nobody set: null and undefined mean the same to a client. */
export function given<T extends object>(options: T): T {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as T;
}
