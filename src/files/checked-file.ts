/**
 * What was checked is what is opened: a file is known again by its place on the disk, size and time of change, and handed on
 * as the open file itself where the system has names for those (Linux), so that another that takes its name changes
 * nothing. Elsewhere it is compared right before and after. One that is written over in place is noticed afterwards.
 */
import type { FileHandle } from 'node:fs/promises';
import { isThere } from './is-there.js';
import { openFile } from './with-file.js';

export interface CheckedFile {
  path: string;
  /** Equal only for the same file, unchanged. */
  identity: string;
}

/** Names a file whose contents are about to be checked. */
export async function checkedFile(path: string, file: FileHandle): Promise<CheckedFile> {
  const { dev, ino, size, mtimeNs } = await file.stat({ bigint: true });
  return { path, identity: [dev, ino, size, mtimeNs].join(' ') };
}

/** @param work with a name for each file that opens it, as long as it runs
 *  @throws what the system, `changed` and `work` do */
export async function withChecked<T>(
  files: readonly CheckedFile[],
  changed: (path: string) => Error,
  work: (names: string[]) => Promise<T>,
): Promise<T> {
  const opened: FileHandle[] = [];
  const compare = async () => {
    for (const [i, { path, identity }] of files.entries())
      if ((await checkedFile(path, opened[i]!)).identity !== identity) throw changed(path);
  };
  try {
    for (const { path } of files) opened.push(await openFile(path));
    await compare();
    const result = await work(files.map(({ path }, i) => nameOf(opened[i]!) ?? path));
    await compare();
    return result;
  } finally {
    for (const file of opened) await file.close();
  }
}

function nameOf({ fd }: FileHandle): string | undefined {
  const name = `/proc/self/fd/${fd}`;
  return process.platform === 'linux' && isThere(name) ? name : undefined;
}
