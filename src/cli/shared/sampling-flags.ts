/** The options that say how answers are drawn, for every command that answers. */
import type { Command } from 'commander';
import { SAMPLING_OPTIONS } from '../../chat/sampling.js';
import type { ChatOptions } from '../../index.js';
import { collect, parseCount, parseNumber } from './flags.js';
import { givenFlags } from './given-flags.js';

const NAMES = ['maxTokens', ...SAMPLING_OPTIONS, 'stop'] as const;

export type SamplingFlags = Pick<ChatOptions, (typeof NAMES)[number]>;

export function addSamplingOptions(command: Command): Command {
  return command
    .option('--max-tokens <n>', 'longest answer, in tokens', parseCount)
    .option('--temperature <t>', '0 takes the most probable token', parseNumber)
    .option('--top-k <k>', 'draw from the k most probable tokens', parseCount)
    .option('--top-p <p>', 'draw from the smallest set with this probability', parseNumber)
    .option('--min-p <p>', 'drop tokens less probable than this share of the best', parseNumber)
    .option('--typical-p <p>', 'locally typical sampling', parseNumber)
    .option('--repetition-penalty <x>', 'on generated tokens; 1 is off', parseNumber)
    .option('--presence-penalty <x>', 'on every token generated before', parseNumber)
    .option('--frequency-penalty <x>', 'on every occurrence generated before', parseNumber)
    .option('--seed <n>', 'of the draws (default: random)', parseCount)
    .option('--stop <text>', 'end the answer before this text (repeatable)', collect);
}

export function samplingOf(flags: SamplingFlags): SamplingFlags {
  return givenFlags(flags, NAMES);
}
