/** The body of a response, read field by field: the chat that it asks for, and what of the request the answer repeats. */
import { badRequest } from '../api-error.js';
import { type ChatRequest, MAX_TOKENS, type RequestLimits, readFrames } from '../chat-request.js';
import { Fields } from '../fields.js';
import { readOwnFields } from '../own-fields.js';
import { given, readSampling } from '../sampling-fields.js';
import { readFormat, readTools } from '../shape-fields.js';
import { joinSystem, type WireMessage } from '../wire-messages.js';
import { joinTurns, readInput } from './response-input.js';
import type { KeptResponse } from './response-store.js';

export interface ResponseRequest {
  chat: ChatRequest;
  /** The conversation without the instructions, which hold for one answer only. */
  conversation: readonly WireMessage[];
  isKept: boolean;
  /** Fields of the request that the answer tells again. */
  echo: Readonly<Record<string, unknown>>;
}

export interface Kept {
  find(id: string): WireMessage | undefined;
  get(id: string): KeptResponse | undefined;
}

const ECHOED = ['instructions', 'metadata', 'tools', 'tool_choice', 'temperature', 'top_p', 'text'];
const DEFAULTS = { instructions: null, metadata: {}, tools: [], tool_choice: 'auto' };

/** @throws 400 */
export function readResponseRequest(
  value: unknown,
  limits: RequestLimits,
  kept: Kept,
): ResponseRequest {
  const body = new Fields(value);
  refuseUnkept(body);
  const before = readBefore(body, kept);
  const input = readInput(body.value('input'), kept.find);
  const conversation = joinTurns([...before, ...input]);
  const instructions = body.text('instructions');
  const system: WireMessage[] =
    instructions === undefined ? [] : [{ role: 'system', content: instructions }];
  const isStream = body.flag('stream') ?? false;
  const echoed = ECHOED.map((name) => [name, body.value(name)] as const);
  const echo = Object.fromEntries(echoed.filter(([, field]) => field !== undefined));
  return {
    conversation,
    isKept: body.flag('store') ?? true,
    echo: {
      ...DEFAULTS,
      ...echo,
      parallel_tool_calls: body.flag('parallel_tool_calls') ?? true,
      previous_response_id: body.value('previous_response_id') ?? null,
      max_output_tokens: body.value('max_output_tokens') ?? null,
    },
    chat: {
      model: body.text('model'),
      messages: joinSystem([...system, ...conversation]),
      options: { ...readSampling(body, limits.defaultTemperature), ...readOptions(body) },
      n: 1,
      frames: readFrames(body, limits.maxFrames),
      isStream,
      hasUsageChunk: false,
      ...{ hasProgress: false, hasGeometry: false },
    },
  };
}

/** What would have the server know more than the request says, or do it later: ignored, it would give another answer. */
function refuseUnkept(body: Fields): void {
  if (body.flag('background'))
    throw badRequest('background', 'Answers in the background are not known here.', 'unsupported');
  for (const name of ['conversation', 'prompt'])
    if (body.value(name) !== undefined)
      throw badRequest(
        name,
        `'${name}' names what this server does not keep; send it in 'input' and 'instructions'.`,
        'unsupported',
      );
}

function readOptions(body: Fields): ChatRequest['options'] {
  const responseFormat = readFormat(body.object('text')?.object('format'));
  const tools = readTools(body);
  if (tools.tools && responseFormat)
    throw badRequest('text.format', "'text.format' and 'tools' do not go together.");
  const maxTokens = body.number('max_output_tokens', MAX_TOKENS);
  const { multiImage } = readOwnFields(body, ['multi_image']);
  return given({ responseFormat, ...tools, maxTokens, multiImage });
}

function readBefore(body: Fields, kept: Kept): readonly WireMessage[] {
  const id = body.text('previous_response_id');
  if (id === undefined) return [];
  const before = kept.get(id);
  if (before) return before.messages;
  throw badRequest(
    'previous_response_id',
    "'previous_response_id' names no response that is kept here; send the whole conversation.",
    'previous_response_not_found',
  );
}
