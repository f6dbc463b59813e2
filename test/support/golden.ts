/**
 * The golden cases: what the reference implementations answer, copied from the project's golden data.
 * Bounds are the issue's; see test/golden/README.md for how the data was made.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { convert, type MmprojOuttype, type Outtype } from '../../src/convert/convert.js';
import type { Message } from '../../src/index.js';
import { CONVERTED } from './converted-folder.js';

const GOLDEN = join(import.meta.dirname, '../golden');
const CHECKPOINTS = {
  demo: join(import.meta.dirname, '../../demo/checkpoint'),
  tiny384: join(GOLDEN, 'checkpoints/tiny384'),
};
export type CheckpointName = keyof typeof CHECKPOINTS;

export interface GoldenCase {
  id: string;
  checkpoint: CheckpointName;
  dialect: 'llava-next' | 'transformers';
  messages: Message[];
  prompt: string;
  promptTokens: number[];
  promptRows: number;
  media: {
    kind: 'image' | 'video';
    rows: number;
    norm: number;
    tiles: string[];
    grid?: [number, number];
    unpadded?: [number, number];
    final?: [number, number];
  }[];
  top20: [number, number][];
  greedy: { tokens: number[]; text: string; margins: number[] };
}

/** All cases of a checkpoint, media paths made absolute. */
export function goldenCases(checkpoint: CheckpointName): GoldenCase[] {
  const dir = join(GOLDEN, checkpoint);
  return readdirSync(dir)
    .filter((name) => name.endsWith('.json') && name !== 'index.json')
    .map((name) => absolute(JSON.parse(readFileSync(join(dir, name), 'utf8')) as GoldenCase));
}

function absolute(golden: GoldenCase): GoldenCase {
  for (const message of golden.messages) {
    if (typeof message.content === 'string') continue;
    for (const part of message.content) {
      if (part.type === 'image') part.image = join(GOLDEN, part.image as string);
      if (part.type === 'video')
        part.video = (part.video as string[]).map((frame) => join(GOLDEN, frame));
    }
  }
  return golden;
}

/** Rows that the reference stored for media part `index`: [rowIndex.length, width]. */
export function goldenRows(golden: GoldenCase, index: number) {
  const file = readFileSync(join(GOLDEN, golden.checkpoint, `${golden.id}.safetensors`));
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length));
  const bytes = (name: string) => {
    const [start, end] = header[name].data_offsets as [number, number];
    return file.buffer.slice(
      file.byteOffset + 8 + length + start,
      file.byteOffset + 8 + length + end,
    );
  };
  return {
    rowIndex: new Int32Array(bytes(`media.${index}.rowIndex`)),
    rows: new Float32Array(bytes(`media.${index}.rows`)),
  };
}

/** Converts a checkpoint once per run of vitest and pair of types; returns the two files. */
export async function convertedFiles(
  checkpoint: CheckpointName,
  outtype: Outtype,
  mmprojOuttype: MmprojOuttype = outtype as MmprojOuttype,
) {
  const folder = join(CONVERTED, `${checkpoint}-${outtype}-${mmprojOuttype}`);
  const files = {
    model: join(folder, `${checkpoint}-${outtype}.gguf`),
    mmproj: join(folder, `mmproj-${checkpoint}-${mmprojOuttype}.gguf`),
  };
  if (existsSync(folder)) return files;
  mkdirSync(CONVERTED, { recursive: true });
  const outdir = mkdtempSync(`${folder}-`);
  await convert({
    checkpoint: CHECKPOINTS[checkpoint],
    outdir,
    name: checkpoint,
    outtype,
    mmprojOuttype,
  });
  try {
    renameSync(outdir, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // another process was first
    rmSync(outdir, { recursive: true });
  }
  return files;
}

/** |a - b| / |b| over the given rows of width `width`. */
export function relativeError(actual: Float32Array, golden: ReturnType<typeof goldenRows>): number {
  const width = golden.rows.length / golden.rowIndex.length;
  let difference = 0;
  let norm = 0;
  golden.rowIndex.forEach((row, i) => {
    for (let c = 0; c < width; c++) {
      const expected = golden.rows[i * width + c] as number;
      difference += ((actual[row * width + c] as number) - expected) ** 2;
      norm += expected ** 2;
    }
  });
  return Math.sqrt(difference / norm);
}
