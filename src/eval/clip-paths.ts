/** Where a clip may lie below its dataset's folder; the first that exists is taken. */

const ENDINGS = ['mp4', 'MP4', 'mkv', 'webm', 'avi', 'mov'] as const;

/** @param name without an ending @param folders as the archives unpack, '' for the dataset's own */
export function clipPaths(name: string, folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    ENDINGS.map((ending) => inFolder(`${name}.${ending}`, folder)),
  );
}

/** @param name with its ending */
export function inFolder(name: string, folder: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
