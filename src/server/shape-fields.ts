/** What form the answer has to have: `response_format`, `tools`, `tool_choice`. Their schemas are the library's to check. */
import type { ChatOptions } from '../chat/chat-options.js';
import type { Tool, ToolChoice } from '../chat/tool-options.js';
import type { ResponseFormat } from '../grammar/response-format.js';
import { isRecord } from '../option-checks.js';
import { badRequest } from './api-error.js';
import { Fields, wrong } from './fields.js';
import { given } from './sampling-fields.js';
import { required } from './wire-parts.js';

const MAX_TOOLS = 128;
const FORMATS = ['text', 'json_object', 'json_schema', 'grammar'] as const;
/** What OpenAI had before tools. */
const OUTDATED = ['functions', 'function_call'];

/** @throws 400 */
export function readShape(body: Fields): Shape & Pick<ChatOptions, 'responseFormat'> {
  for (const name of OUTDATED)
    if (body.value(name) !== undefined)
      throw badRequest(
        name,
        `'${name}' is not known; use 'tools' and 'tool_choice'.`,
        'unsupported',
      );
  const tools = readTools(body);
  const responseFormat = readFormat(body.object('response_format'));
  if (tools.tools && responseFormat)
    throw badRequest('response_format', "'response_format' and 'tools' do not go together.");
  return given({ responseFormat, ...tools });
}

type Shape = Pick<ChatOptions, 'tools' | 'toolChoice' | 'parallelToolCalls'>;

/** Nothing where no tool may be called. @throws 400 */
export function readTools(body: Fields): Shape {
  const list = body.list('tools', { max: MAX_TOOLS }) ?? [];
  const tools = list.map((tool, i) => readTool(tool, `tools[${i}]`));
  const toolChoice = readChoice(body);
  const isFree = toolChoice === undefined || toolChoice === 'none' || toolChoice === 'auto';
  if (tools.length === 0 && !isFree)
    throw badRequest('tool_choice', "'tool_choice' needs 'tools'.");
  const parallelToolCalls = body.flag('parallel_tool_calls');
  if (tools.length === 0 || toolChoice === 'none') return {};
  return given({ tools, toolChoice, parallelToolCalls });
}

/** Chat completions keep the schema in `json_schema`, responses beside the type. */
export function readFormat(format: Fields | undefined): ResponseFormat | undefined {
  if (!format) return undefined;
  const type = format.choice('type', FORMATS);
  if (type === undefined)
    throw wrong(format.path('type'), `one of ${FORMATS.join(', ')}`, undefined);
  if (type === 'text') return undefined;
  if (type === 'json_object') return { type };
  if (type === 'grammar') return { type, grammar: required(format, 'grammar') };
  const holder = format.object('json_schema') ?? format;
  const schema = holder.value('schema');
  if (!isRecord(schema)) throw wrong(holder.path('schema'), 'a JSON schema', schema);
  return { type, schema };
}

function readTool(value: unknown, path: string): Tool {
  const tool = new Fields(value, path);
  const type = tool.text('type');
  if (type !== 'function')
    throw badRequest(
      tool.path('type'),
      `'${tool.path('type')}' has to be function.`,
      'unsupported',
    );
  const callee = tool.object('function') ?? tool;
  const parameters = callee.value('parameters');
  if (parameters !== undefined && !isRecord(parameters))
    throw wrong(callee.path('parameters'), 'a JSON schema', parameters);
  const description = callee.text('description');
  return given({ name: required(callee, 'name'), description, parameters }) as Tool;
}

function readChoice(body: Fields): ToolChoice | undefined {
  const value = body.value('tool_choice');
  if (value === undefined) return undefined;
  if (value === 'auto' || value === 'none' || value === 'required') return value;
  if (!isRecord(value)) throw wrong('tool_choice', 'auto, none, required or a function', value);
  const choice = new Fields(value, 'tool_choice');
  return { name: required(choice.object('function') ?? choice, 'name') };
}
