/**
 * Clips that say in each frame which frame it is: its number in binary, as 4 × 3 black and white blocks,
 * upper left first. Any codec keeps that readable, and a frame that is not upright reads as another number.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RgbImage } from '../../src/media/image.js';

const COLS = 4;
const ROWS = 3;

export interface Drawing {
  width?: number;
  height?: number;
  frames?: number;
  fps?: string;
}

export const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
const encoders = hasFfmpeg
  ? execFileSync('ffmpeg', ['-v', 'error', '-encoders'], { encoding: 'utf8' })
  : '';
export const hasEncoder = (name: string) => encoders.includes(` ${name} `);

const options = hasFfmpeg ? execFileSync('ffmpeg', ['-v', 'error', '-h', 'long']).toString() : '';
/** Has the encoder keep every frame and its time; the option's name depends on the version. */
export const AS_TIMED = `${options.includes('-fps_mode') ? '-fps_mode' : '-vsync'} passthrough`;

/** A folder for a test file's clips; not made where all its tests are skipped, and so its removal. */
export function clipFolder() {
  const prefix = join(tmpdir(), 'drawn-clips-');
  const folder = hasFfmpeg ? mkdtempSync(prefix) : prefix;
  return {
    file: (name: string) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function drawFrame(number: number, { width = 96, height = 72 }: Drawing = {}): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = Math.floor((y * ROWS) / height) * COLS + Math.floor((x * COLS) / width);
      data.fill((number >> bit) & 1 ? 235 : 16, (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  }
  return { width, height, data };
}

export function readNumber({ width, height, data }: RgbImage): number {
  let number = 0;
  for (let bit = 0; bit < COLS * ROWS; bit++) {
    const x = Math.floor((((bit % COLS) + 0.5) * width) / COLS);
    const y = Math.floor(((Math.floor(bit / COLS) + 0.5) * height) / ROWS);
    if (data[(y * width + x) * 3 + 1]! > 128) number |= 1 << bit;
  }
  return number;
}

/** Draws frames 0, 1, 2 … and has ffmpeg encode them with the options in `encoding`. */
export async function makeClip(path: string, encoding: string, drawing: Drawing = {}) {
  const { width = 96, height = 72, frames = 330, fps = '30' } = drawing;
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', fps];
  const args = ['-y', '-v', 'error', ...raw, '-i', 'pipe:0', ...encoding.split(' '), path];
  const child = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint += text;
  });
  child.stdin.on('error', () => {}); // the exit code tells
  const closed = once(child, 'close');
  for (let number = 0; number < frames && child.exitCode === null; number++) {
    if (!child.stdin.write(drawFrame(number, { width, height }).data))
      await Promise.race([once(child.stdin, 'drain'), closed]);
  }
  child.stdin.end();
  const [code] = await closed;
  if (code !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${complaint}`);
  return path;
}

/** Runs ffmpeg on clips that exist. */
export function ffmpeg(args: string): void {
  execFileSync('ffmpeg', ['-y', '-v', 'error', '-nostdin', ...args.split(' ')], { stdio: 'pipe' });
}

/** A program in a folder of its own that runs ffmpeg, and remembers how. */
export function spyOnFfmpeg(folder: string) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'ffmpeg');
  const log = join(folder, 'log');
  const program = execFileSync('/bin/sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim();
  writeFileSync(path, `#!/bin/sh\necho "$*" >> '${log}'\nexec '${program}' "$@"\n`, {
    mode: 0o755,
  });
  return {
    path,
    forget: () => writeFileSync(log, ''),
    runs: () => readFileSync(log, 'utf8').split('\n').filter(Boolean),
  };
}

/** Where the packets of a clip's picture lie in its file, in order of decoding. */
export function packets(path: string): { pos: string; size: string }[] {
  const args = '-v error -select_streams v -show_entries packet=pos,size -of json';
  return JSON.parse(execFileSync('ffprobe', [...args.split(' '), path], { encoding: 'utf8' }))
    .packets;
}

/** Has players turn an MP4 clockwise, by the matrix in its track header. */
export function setRotation(path: string, degrees: 90 | 180 | 270): void {
  const file = readFileSync(path);
  const matrix = file.indexOf('tkhd') - 4 + 48;
  const [cos, sin] = { 90: [0, 1], 180: [-1, 0], 270: [0, -1] }[degrees] as [number, number];
  [cos, sin, 0, -sin, cos, 0].forEach((value, place) => {
    file.writeInt32BE(value * 0x10000, matrix + place * 4);
  });
  writeFileSync(path, file);
}

/** Running ffmpeg and ffprobe processes that this process started; ps itself is one of its children. */
export function runningTools(): string[] {
  const args = ['-A', '-o', 'ppid=,stat=,comm='];
  const lines = execFileSync('ps', args, { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.trim().startsWith(`${process.pid} `) && / ff/.test(line));
}
