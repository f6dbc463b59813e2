/**
 * How far a long step is, on stderr: a bar on a terminal; anywhere else a line for each tenth, once the step has taken so long
 * that somebody may wonder. `--quiet` stills both.
 */
export interface Progress {
  /** @param fraction 0-1; less than before is a step that begins again @param detail shown behind it */
  update(fraction: number, detail?: string): void;
  /** Takes the bar off the terminal; also after an error. */
  stop(): void;
}

export interface ProgressStream {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Milliseconds; what is done before is not told of in a log. */
const SHORT = 2000;
const WIDTH = 24;
/** Erases from the cursor to the end of the line. */
const ERASE = '\x1b[K';

let isQuiet = false;

/** What `--quiet` does, for the rest of the process. */
export function silenceProgress(): void {
  isQuiet = true;
}

/** @param stream, now for tests */
export function createProgress(
  label: string,
  stream: ProgressStream = process.stderr,
  now: () => number = () => performance.now(),
): Progress {
  if (isQuiet) return { update() {}, stop() {} };
  return stream.isTTY ? progressBar(label, stream) : progressLines(label, stream, now);
}

function progressBar(label: string, stream: ProgressStream): Progress {
  let shown = '';
  return {
    update(fraction, detail = '') {
      const text = barLine({ label, fraction, detail }, stream.columns);
      if (text === shown) return;
      shown = text;
      stream.write(`\r${text}${ERASE}`);
    },
    stop() {
      if (shown !== '') stream.write(`\r${ERASE}`);
      shown = '';
    },
  };
}

function progressLines(label: string, stream: ProgressStream, now: () => number): Progress {
  const startedAt = now();
  let told = 0;
  return {
    update(fraction, detail = '') {
      const tenth = Math.floor(within(fraction) * 10);
      if (tenth < told) told = tenth;
      if (tenth === told || now() - startedAt < SHORT) return;
      told = tenth;
      stream.write(`${`${label} ${percentOf(fraction)} ${detail}`.trimEnd()}\n`);
    },
    stop() {},
  };
}

/** A line of its own, which `--quiet` stills too. */
export function tell(text: string, stream: ProgressStream = process.stderr): void {
  if (!isQuiet) stream.write(`${text}\n`);
}

/** One bar, short enough not to wrap: a line that wraps cannot be redrawn. */
export function barLine(
  { label, fraction, detail }: { label: string; fraction: number; detail: string },
  columns = 80,
): string {
  const filled = Math.round(within(fraction) * WIDTH);
  const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
  return `${label} [${bar}] ${percentOf(fraction)} ${detail}`.slice(0, (columns || 80) - 1);
}

function within(fraction: number): number {
  return Math.min(1, Math.max(0, fraction));
}

function percentOf(fraction: number): string {
  return `${Math.floor(within(fraction) * 100)}%`.padStart(4);
}
