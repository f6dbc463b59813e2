/** Option values from the command line: text in, checked values out. */
import { type Command, InvalidArgumentError } from 'commander';
import { LlavaError } from '../../errors.js';
import type { LoraAdapter } from '../../load/lora-options.js';

export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('Not a number.');
  return value;
}

export function parseCount(text: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('Not a count.');
  return value;
}

export function parsePositive(text: string): number {
  const value = parseCount(text);
  if (value < 1) throw new InvalidArgumentError('Not 1 or more.');
  return value;
}

export const numberFrom = (min: number, max: number) => (text: string) => {
  const value = parseNumber(text);
  if (value < min || value > max) throw new InvalidArgumentError(`Not from ${min} to ${max}.`);
  return value;
};

export const countFrom = (min: number, max: number) => (text: string) =>
  numberFrom(min, max)(String(parseCount(text)));

/** Several answers share one step, so more than this are not under way at a time. */
export const parseConcurrency = countFrom(1, 256);

/** Gathers an option given several times. */
export function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

/** Gathers FILE or FILE:SCALE. */
export function collectLora(text: string, earlier: LoraAdapter[] = []): LoraAdapter[] {
  const [, path = text, scale] =
    /^(.+):([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/i.exec(text) ?? [];
  return [...earlier, { path, ...(scale !== undefined && { scale: Number(scale) }) }];
}

/**
 * A value out of range is wrong usage, whoever notices it: when the library's complaint is about one of the
 * command's options or arguments, the command reports it as commander would and ends with status 2.
 */
export function reportUsage(error: unknown, command: Command): void {
  if (!(error instanceof LlavaError) || error.code !== 'ERR_INVALID_ARGUMENT') return;
  const message = withFlags(error.message, command);
  const [name] = String(error.argument).split('.');
  const option = command.options.find((entry) => entry.attributeName() === name);
  // A model may be said by a word of the command line.
  const isWord = command.registeredArguments.some((entry) => /^(model|words)$/.test(entry.name()));
  if (name === 'model' && isWord && command.getOptionValueSource(name) === undefined)
    command.error(`error: ${message}`);
  if (option) command.error(`error: option '${option.flags}': ${message}`);
  if (command.registeredArguments.some((entry) => entry.name() === name))
    command.error(`error: argument '${name}': ${message}`);
}

/** The library names its options in backticks: here they become the command's flags. */
export function withFlags(message: string, command: Command | undefined): string {
  return message.replace(/`(\w+)`/g, (quoted, name) => {
    const option = command?.options.find((entry) => entry.attributeName() === name);
    return option?.long ?? quoted;
  });
}

/** Does a command's work, and reports wrong usage that shows while at it. */
export async function asUsage(command: Command, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    reportUsage(error, command);
    throw error;
  }
}
