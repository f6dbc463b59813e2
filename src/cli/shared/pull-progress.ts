/** A download on a terminal's stderr: a bar for each file under way and one for all; anywhere else lines as of any long step. */

import { byteSize } from '../../byte-size.js';
import type { PullProgress } from '../../hub/pull.js';
import { barLine, createProgress, tell } from './progress.js';

export interface PullBars {
  update(progress: PullProgress): void;
  /** Takes the bars off the terminal; also after an error. */
  stop(): void;
}

interface Terminal {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

const REDRAW_MS = 100;
const LABEL_WIDTH = 21;

/** @param stream, now for tests */
export function createPullBars(
  stream: Terminal = process.stderr,
  now: () => number = () => performance.now(),
): PullBars {
  if (!stream.isTTY) return pullLines(stream, now);
  const files = new Map<string, PullProgress>();
  const speed = createSpeed(now);
  let drawnAt = Number.NEGATIVE_INFINITY;
  let height = 0;
  const draw = (lines: string[]) => {
    const up = height > 1 ? `\x1b[${height - 1}A` : '';
    stream.write(`\r${up}\x1b[J${lines.join('\n')}`);
    height = lines.length;
  };
  return {
    update(progress) {
      if (progress.fileBytes < progress.fileSize) files.set(progress.file, progress);
      else files.delete(progress.file);
      speed.add(progress.bytes);
      const time = now();
      if (time - drawnAt < REDRAW_MS) return;
      drawnAt = time;
      const room = (stream.rows || 24) - 2;
      const lines = [...files.values()].slice(0, room).map(fileBar);
      draw([...lines, totalBar(progress, speed)].map((bar) => barLine(bar, stream.columns)));
    },
    stop() {
      if (height > 0) draw(['']);
      height = 0;
    },
  };
}

function pullLines(stream: Terminal, now: () => number): PullBars {
  const { update, stop } = createProgress('Downloading', stream, now);
  const speed = createSpeed(now);
  /** Files that wait, as it was said. */
  const waiting = new Set<string>();
  return {
    update(progress) {
      const { file, note } = progress;
      if (note === undefined) waiting.delete(file);
      else if (!waiting.has(file)) tell(`${file}: ${note}`, stream);
      if (note !== undefined) waiting.add(file);
      speed.add(progress.bytes);
      const { fraction, detail } = totalBar(progress, speed);
      update(fraction, detail);
    },
    stop,
  };
}

function fileBar({ file, fileBytes, fileSize, note }: PullProgress) {
  const label = file.length > LABEL_WIDTH ? `…${file.slice(1 - LABEL_WIDTH)}` : file;
  const detail = note ?? `${byteSize(fileBytes)} of ${byteSize(fileSize)}`;
  return { label: label.padEnd(LABEL_WIDTH), fraction: fileBytes / fileSize, detail };
}

function totalBar({ bytes, size }: PullProgress, speed: Speed) {
  const rate = speed.rate();
  const left = rate > 0 ? `, ${byteSize(rate)}/s, ${duration((size - bytes) / rate)}` : '';
  const detail = `${byteSize(bytes)} of ${byteSize(size)}${left}`;
  return { label: 'Total', fraction: bytes / (size || 1), detail };
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

interface Speed {
  add(bytes: number): void;
  /** Bytes per second over the last seconds. */
  rate(): number;
}

const SPEED_WINDOW_MS = 10_000;

function createSpeed(now: () => number): Speed {
  /** One for each half second. */
  const marks: { time: number; bytes: number }[] = [];
  return {
    add(bytes) {
      const time = now();
      const last = marks.at(-1);
      // Less than before: a damaged file begins again.
      if (last && bytes < last.bytes) marks.length = 0;
      if (last && time - last.time < 500 && marks.length > 1) last.bytes = bytes;
      else marks.push({ time, bytes });
      while (time - marks[0]!.time > SPEED_WINDOW_MS && marks.length > 2) marks.shift();
    },
    rate() {
      const [first, last] = [marks[0], marks.at(-1)];
      if (!first || !last || last.time <= first.time) return 0;
      return ((last.bytes - first.bytes) / (last.time - first.time)) * 1000;
    },
  };
}
