/** `convert` of an adapter folder: other flags and another result than a checkpoint's. */
import type { Command } from 'commander';
import { type ConvertLoraResult, convertLora } from '../convert/convert-lora.js';
import type { LoraOuttype } from '../convert/lora-plan.js';
import { describeFile } from './shared/convert-flags.js';
import { interruptible } from './shared/interrupt.js';
import { createProgress } from './shared/progress.js';
import { shellQuote } from './shared/shell-quote.js';

export interface ConvertLoraFlags {
  outdir: string;
  outtype: string;
  base?: string;
  textOnly?: true;
  name?: string;
  verify?: true;
  checksum: boolean;
  json?: true;
}

const OF_CHECKPOINTS = ['mmprojOuttype', 'imatrix', 'splitMaxSize', 'card', 'modelfile', 'force'];
const OF_ADAPTERS = ['base', 'textOnly'];

/** Ends the command with wrong usage when a flag was given that belongs to the other kind of folder. */
export function checkConvertFlags(command: Command, isLora: boolean): void {
  const foreign = isLora ? OF_CHECKPOINTS : OF_ADAPTERS;
  for (const option of command.options) {
    const name = option.attributeName();
    if (foreign.includes(name) && command.getOptionValueSource(name) === 'cli')
      command.error(
        `error: option '${option.flags}' is for ${isLora ? 'checkpoints' : 'LoRA adapters'}`,
      );
  }
}

export function loraOptions({ outdir, outtype, base, textOnly, name, verify }: ConvertLoraFlags) {
  return { outdir, outtype: outtype as LoraOuttype, base, textOnly, name, verify };
}

export async function convertLoraFolder(adapter: string, flags: ConvertLoraFlags): Promise<void> {
  const { json, checksum } = flags;
  const progress = createProgress('Converting');
  const onProgress = progress.update;
  const options = { adapter, ...loraOptions(flags), checksumFiles: checksum, onProgress };
  const result = await interruptible((signal) => convertLora({ ...options, signal })).finally(
    progress.stop,
  );
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : describe(result));
}

function describe({ adapter, alpha, ranks, notes, durationMs }: ConvertLoraResult): string {
  return [
    ...describeFile(adapter),
    `LoRA of rank ${ranks.join(', ')}, alpha ${Number(alpha.toPrecision(6))}`,
    ...notes.map((note) => `Note: ${note}`),
    `Done in ${(durationMs / 1000).toFixed(1)} s. Apply it with --lora ${shellQuote(adapter.path)}`,
    '',
  ].join('\n');
}
