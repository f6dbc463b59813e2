/**
 * Says how far a long step is: a bar that redraws itself on a terminal, one line per tenth elsewhere
 * (a log file, CI). Everything goes to stderr.
 */
const WIDTH = 24;

/**
 * @param {string} label
 * @param {{ stream?: { isTTY?: boolean; write(text: string): unknown }; isQuiet?: boolean }} options
 */
export function createProgress(label, { stream = process.stderr, isQuiet = false } = {}) {
  if (isQuiet) return { update() {}, stop() {} };
  let lastTenth = 0;
  let lastText = '';
  const draw = (text) => {
    if (text === lastText) return;
    lastText = text;
    stream.write(`\r${text}\x1b[K`);
  };
  return {
    /** @param fraction 0-1 @param detail shown behind the bar */
    update(fraction, detail = '') {
      const share = Math.min(1, Math.max(0, fraction));
      const percent = `${Math.floor(share * 100)}%`.padStart(4);
      if (stream.isTTY) {
        const filled = Math.round(share * WIDTH);
        draw(`${label} [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}]${percent} ${detail}`);
        return;
      }
      const tenth = Math.floor(share * 10);
      if (tenth <= lastTenth) return;
      lastTenth = tenth;
      const line = `${label}${percent} ${detail}`;
      stream.write(`${line.trimEnd()}\n`);
    },
    /** Takes the bar off the terminal. */
    stop() {
      if (stream.isTTY) stream.write('\r\x1b[K');
    },
  };
}
