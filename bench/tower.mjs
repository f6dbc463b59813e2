// Milliseconds per tile of our tower and of clip.cpp's on the same file, taking turns, so that a busy machine
// slows both. Needs the program of `npm run build:native -- --interop`.
//
//   node bench/tower.mjs [--threads N] [--runs 3] [--program FILE] [--json] MMPROJ...
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { native } from '../dist/src/addon/load-addon.js';
import { readVisionConfig } from '../dist/src/vision/vision-config.js';
import { scriptArgs } from '../scripts/script-args.mjs';

const PROGRAM = join(import.meta.dirname, '../.build/cmake/interop/llava-onevision-compare-towers');

async function loadOurs(mmproj, threads) {
  const binding = native();
  const config = await readVisionConfig(mmproj);
  const pool = new binding.ThreadPool(threads);
  const options = {
    ...config,
    imageMean: Float32Array.from(config.imageMean),
    imageStd: Float32Array.from(config.imageStd),
    useGpu: false,
  };
  const encoder = await binding.loadVisionEncoder(options, pool, null);
  const out = new Float32Array(encoder.nPatches * config.nProjection);
  return {
    config,
    async time(tile) {
      const start = performance.now();
      await encoder.encode(tile, out, null);
      return performance.now() - start;
    },
    async close() {
      await encoder.dispose();
      await pool.dispose();
    },
  };
}

async function loadClip(mmproj, { program, threads, folder }) {
  const child = spawn(program, [mmproj, String(threads)], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${program} ended early on ${mmproj}`);
    return value;
  };
  await line(); // ready
  return {
    async time() {
      child.stdin.write(`${join(folder, 'tile.rgb')} ${join(folder, 'rows.f32')}\n`);
      return Number(await line());
    },
    async close() {
      child.stdin.end();
      await once(child, 'close');
    },
  };
}

/** @returns ms per tile of both, in turn order: { ours: number[], clip: number[] } */
export async function compareTowers(mmproj, { threads, runs = 3, program = PROGRAM }) {
  const folder = mkdtempSync(join(tmpdir(), 'llava-onevision-bench-'));
  const ours = await loadOurs(mmproj, threads);
  const side = ours.config.imageSize;
  const tile = Uint8Array.from(
    { length: side * side * 3 },
    (_, i) => Math.imul(i, 2654435761) >>> 24,
  );
  writeFileSync(join(folder, 'tile.rgb'), tile);
  const clip = await loadClip(mmproj, { program, threads, folder });
  const times = { ours: [], clip: [] };
  try {
    for (let i = 0; i < runs; i++) {
      times.ours.push(await ours.time(tile));
      times.clip.push(await clip.time());
    }
  } finally {
    await clip.close();
    await ours.close();
    rmSync(folder, { recursive: true });
  }
  return times;
}

async function main() {
  const { values, positionals } = scriptArgs(import.meta.filename, {
    allowPositionals: true,
    options: {
      threads: { type: 'string', default: String(native().physicalCores()) },
      runs: { type: 'string', default: '3' },
      program: { type: 'string', default: PROGRAM },
      json: { type: 'boolean', default: false },
    },
  });
  for (const mmproj of positionals) {
    const options = { threads: Number(values.threads), runs: Number(values.runs) };
    const times = await compareTowers(mmproj, { ...options, program: values.program });
    const [oursMs, clipMs] = [Math.min(...times.ours), Math.min(...times.clip)];
    const row = { file: basename(mmproj), oursMs, clipMs, ratio: clipMs / oursMs };
    process.stdout.write(
      values.json
        ? `${JSON.stringify(row)}\n`
        : `${row.file}  ours ${oursMs.toFixed(0)} ms  clip.cpp ${clipMs.toFixed(0)} ms  ${row.ratio.toFixed(2)}×\n`,
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
