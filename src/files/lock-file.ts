/** One process at a time: a file that names it. What a process has left that was killed counts for nothing. */
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from './make-folder.js';
import { readText } from './read-whole.js';
import { isAlive, writeError } from './whole-file.js';

/** @param refusal what is thrown while another process has it @returns what gives it back @throws ERR_WRITE, the refusal */
export async function takeLock(
  path: string,
  refusal: (pid: number) => Error,
): Promise<() => Promise<void>> {
  for (;;) {
    try {
      await makeFolder(dirname(path));
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw writeError(path, cause);
    }
    const pid = Number(await readText(path).catch(() => ''));
    if (isAlive(pid)) throw refusal(pid);
    await rm(path, { force: true });
  }
}
