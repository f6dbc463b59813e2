/** A browser for `serve --open` that writes down what it is to show. */
import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @param folder for its programs and its note */
export function fakeBrowser(folder: string): { env: { PATH: string }; shown: () => string } {
  const note = join(folder, 'shown.txt');
  for (const name of ['xdg-open', 'open'])
    writeFileSync(join(folder, name), `#!/bin/sh\nprintf %s "$*" > '${note}'\n`, { mode: 0o755 });
  return {
    env: { PATH: `${folder}${delimiter}${process.env.PATH}` },
    shown: () => readFileSync(note, 'utf8'),
  };
}
