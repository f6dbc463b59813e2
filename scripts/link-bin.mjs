/** Makes the compiled command line executable, and the command of this package in a clone: `npx llava-onevision` finds it there. */
import { chmodSync, existsSync, rmSync, symlinkSync } from 'node:fs';

const MAIN = 'dist/src/cli/main.js';
const BIN = 'node_modules/.bin';

chmodSync(MAIN, 0o755);
if (existsSync(BIN) && process.platform !== 'win32') {
  rmSync(`${BIN}/llava-onevision`, { force: true });
  symlinkSync(`../../${MAIN}`, `${BIN}/llava-onevision`);
}
