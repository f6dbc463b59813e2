/** Tools as a caller gives them, checked, and the grammar of the calls that the answer may or must be. */
import { invalidArgument } from '../errors.js';
import { remembered } from '../grammar/remembered.js';
import { inputSchema, isStandardSchema, type StandardSchema } from '../grammar/standard-schema.js';
import { toolCallGrammar } from '../grammar/tool-calls.js';
import { checkBoolean, isRecord } from '../option-checks.js';
import { CALL_START } from '../prompt/tools.js';

/** A function that the model may ask to be called. */
export interface Tool {
  /** Letters, digits, "_", "-" and ".", up to 64. */
  name: string;
  /** What it does and when to use it, for the model. */
  description?: string;
  /** What its arguments, an object, must be: a JSON schema or a schema object. Default: no arguments. */
  parameters?: StandardSchema | Readonly<Record<string, unknown>>;
}

/** 'auto': the model decides. 'none': as without tools. 'required': one call or more. { name }: one call of that tool. */
export type ToolChoice = 'auto' | 'none' | 'required' | { name: string };

export interface ToolSettings {
  readonly tools: readonly { name: string; description: string | undefined; parameters: object }[];
  readonly grammar: string;
  /** The grammar begins behind this text; '' from the start. */
  readonly trigger: string;
}

const NO_ARGUMENTS = { type: 'object', properties: {}, additionalProperties: false };

/** Undefined without tools. @throws ERR_INVALID_ARGUMENT, ERR_SCHEMA */
export function resolveTools(
  given: unknown,
  choice: unknown,
  parallel: unknown,
): ToolSettings | undefined {
  const isParallel = checkBoolean('parallelToolCalls', parallel, true);
  if (given === undefined) {
    if (choice !== undefined && choice !== 'none' && choice !== 'auto')
      throw invalidArgument('toolChoice', 'the option tools beside it', choice);
    return undefined;
  }
  const tools = checkTools(given);
  const names = tools.map(({ name }) => name);
  const wanted = checkChoice(choice ?? 'auto', names);
  if (wanted === 'none') return undefined;
  const isAuto = wanted === 'auto';
  const isNamed = typeof wanted === 'object';
  const callable = isNamed ? tools.filter(({ name }) => name === wanted.name) : tools;
  const form = { isStarted: isAuto, isSeveral: isParallel && !isNamed };
  const grammar = remembered(given as object, [callable, form], () =>
    toolCallGrammar(callable, form),
  );
  return { tools, grammar, trigger: isAuto ? CALL_START : '' };
}

/** Their names and descriptions; whether their schemas can be kept is not looked at. @throws ERR_INVALID_ARGUMENT */
export function checkTools(given: unknown): ToolSettings['tools'] {
  if (!Array.isArray(given) || given.length === 0)
    throw invalidArgument('tools', 'a non-empty array of { name, description, parameters }', given);
  const tools = given.map((tool, i) => checkTool(tool, `tools[${i}]`));
  const names = tools.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalidArgument('tools', 'a name of its own for each tool', twice);
  return tools;
}

function checkTool(tool: unknown, path: string): ToolSettings['tools'][number] {
  if (!isRecord(tool)) throw invalidArgument(path, '{ name, description, parameters }', tool);
  const { name, description, parameters = NO_ARGUMENTS } = tool;
  if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name))
    throw invalidArgument(`${path}.name`, '1 to 64 letters, digits, "_", "-" and "."', name);
  if (description !== undefined && typeof description !== 'string')
    throw invalidArgument(`${path}.description`, 'a text', description);
  if (isStandardSchema(parameters))
    return { name, description, parameters: inputSchema(parameters) };
  if (!isRecord(parameters))
    throw invalidArgument(`${path}.parameters`, 'a JSON schema or a schema object', parameters);
  return { name, description, parameters };
}

function checkChoice(choice: unknown, names: readonly string[]): ToolChoice {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice;
  if (isRecord(choice) && typeof choice.name === 'string' && names.includes(choice.name))
    return { name: choice.name };
  throw invalidArgument(
    'toolChoice',
    `'auto', 'none', 'required' or { name: ${names.map((name) => `'${name}'`).join(' | ')} }`,
    isRecord(choice) ? JSON.stringify(choice) : choice,
  );
}
