/** How far a long step is, as a bar on a terminal's stderr; anywhere else nothing, so that logs stay clean. */
export interface Progress {
  /** @param fraction 0-1 @param detail shown behind the bar */
  update(fraction: number, detail?: string): void;
  /** Takes the bar off the terminal; also after an error. */
  stop(): void;
}

const WIDTH = 24;
/** Erases from the cursor to the end of the line. */
const ERASE = '\x1b[K';

/** @param stream for tests */
export function createProgress(
  label: string,
  stream: { isTTY?: boolean; columns?: number; write(text: string): unknown } = process.stderr,
): Progress {
  if (!stream.isTTY) return { update() {}, stop() {} };
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

/** One bar, short enough not to wrap: a line that wraps cannot be redrawn. */
export function barLine(
  { label, fraction, detail }: { label: string; fraction: number; detail: string },
  columns = 80,
): string {
  const share = Math.min(1, Math.max(0, fraction));
  const filled = Math.round(share * WIDTH);
  const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `${label} [${bar}] ${percent}% ${detail}`.slice(0, (columns || 80) - 1);
}
