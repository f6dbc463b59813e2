import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program in a folder of its own that is ffmpeg, but never comes to the end of a clip: no machine is too fast for it. */
export function endlessFfmpeg(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'ffmpeg');
  const program = execFileSync('/bin/sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim();
  const endless = '-v quiet -re -f lavfi -i color=red:s=16x16 -f null -';
  const script = `case "$*" in *-version*) exec '${program}' -version;; esac\nexec '${program}' ${endless}\n`;
  writeFileSync(path, `#!/bin/sh\n${script}`, { mode: 0o755 });
  return path;
}
