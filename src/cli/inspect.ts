import { stat } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type FileChecksum, verifyChecksum } from '../gguf/checksum-file.js';
import { modelLoadError } from '../gguf/metadata.js';
import { DEMO } from '../models/model-name.js';
import type { Size } from '../vision/grid.js';
import type { CostOptions } from './inspect/costs.js';
import { printInspection } from './inspect/print.js';
import { parseCount, reportUsage } from './shared/flags.js';
import { interruptible } from './shared/interrupt.js';
import { createProgress } from './shared/progress.js';

interface InspectFlags {
  contextSize?: number;
  mmproj?: string;
  imageSize?: Size[];
  verify?: true;
  json?: true;
}

const EXAMPLES = `
Examples:
  $ llava-onevision inspect models/demo-f16.gguf
  $ llava-onevision inspect models/7b-q4_k_m.gguf --mmproj towers/mmproj-7b-f16.gguf --context-size 32768
  $ llava-onevision inspect 0.5b-ov --context-size 32768 --image-size 1920x1080
  $ llava-onevision inspect mmproj-demo-f16.gguf --image-size 1280x960 --json
  $ llava-onevision inspect models/7b-q4_k_m.gguf --verify
  $ llava-onevision inspect llava-onevision-qwen2-0.5b-ov        (a checkpoint folder)

Reads headers only, so that files of any size open at once; with --verify the whole file.`;

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description(
      'show what is in a GGUF file, a safetensors file or a checkpoint folder, and what it costs',
    )
    .argument('<file>', 'the file or folder, or the name of a model that is converted')
    .option('--context-size <n>', 'memory of a decoder with this many positions', parseCount)
    .option('--mmproj <file>', 'memory of a decoder together with this mmproj, and its tokens')
    .addOption(
      new Option('--image-size <WxH>', 'tokens of a picture of this size (repeatable)').argParser(
        parseImageSize,
      ),
    )
    .option('--verify', 'read the whole file and compare it with the SHA-256 in FILE.sha256')
    .option('--json', 'print everything as JSON')
    .addHelpText('after', EXAMPLES);
  return command.action(async (file: string, flags: InspectFlags) => {
    try {
      await interruptible((signal) => inspect(file, flags, signal));
    } catch (error) {
      reportUsage(error, command);
      throw error;
    }
  });
}

async function inspect(word: string, flags: InspectFlags, signal: AbortSignal): Promise<void> {
  const { json, verify, imageSize: imageSizes, ...given } = flags;
  const { model: file, ...costs } = { ...(await namedFiles(word)), ...given };
  // Imported here so that help and usage errors do not wait for it.
  const { inspectFile } = await import('./inspect/file.js');
  const options: CostOptions = { ...costs, ...(imageSizes && { imageSizes }) };
  const inspection = await inspectFile(file, options);
  const checksums = verify ? await verifyWithProgress(file, signal) : [];
  if (json) {
    const verified = verify ? { verified: checksums } : {};
    process.stdout.write(`${JSON.stringify({ ...inspection, ...verified })}\n`);
    return;
  }
  process.stdout.write(printInspection(inspection));
  for (const { path, sha256 } of checksums)
    process.stdout.write(`SHA-256 as it should be: ${sha256}  ${path}\n`);
}

/** Of a name, both files; they have to be there. */
async function namedFiles(word: string): Promise<{ model: string; mmproj?: string }> {
  if (word !== DEMO && (await stat(word).catch(() => undefined))) return { model: word };
  const { planModel } = await import('../models/plan-model.js');
  const plan = await planModel(word, { offline: true });
  if (plan.state === 'ready') {
    const { model, mmproj } = plan.files;
    return { model, ...(mmproj !== null && { mmproj }) };
  }
  throw modelLoadError(
    word,
    'it is not converted yet: `llava-onevision run` or `convert` does so.',
  );
}

async function verifyWithProgress(file: string, signal: AbortSignal): Promise<FileChecksum[]> {
  const progress = createProgress('Verifying');
  const onProgress = progress.update;
  return verifyChecksum(file, { signal, onProgress }).finally(progress.stop);
}

function parseImageSize(text: string, earlier: Size[] = []): Size[] {
  const [, width, height] = /^([1-9]\d{0,6})[x×]([1-9]\d{0,6})$/i.exec(text) ?? [];
  if (!width || !height) throw new InvalidArgumentError('Expected a size such as 1920x1080.');
  return [...earlier, { width: Number(width), height: Number(height) }];
}
