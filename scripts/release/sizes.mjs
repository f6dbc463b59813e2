/**
 * A table of what build-package.mjs has noted (`node scripts/release/sizes.mjs DIR`): sizes, builds and compile times of the
 * packages in a folder, in Markdown.
 */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Failure, main } from '../build/failure.mjs';
import { findTarball, readNotes } from './notes.mjs';

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** @param notes as build-package.mjs writes them @param mainSize of the main package's tarball */
export function sizeTable(notes, mainSize) {
  const rows = notes
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, packed, files, seconds, variants }) => {
      const installed = Object.values(files).reduce((sum, size) => sum + size, 0);
      const cells = [name, megabytes(packed), megabytes(installed), variants.join(', ')];
      return [...cells, `${Math.round(seconds)} s`];
    });
  rows.unshift(['llava-onevision', megabytes(mainSize), '', '', '']);
  const lines = [
    ['Package', 'Download', 'Installed', 'Builds, best first', 'Compiled in'],
    ['---', '--:', '--:', '---', '--:'],
    ...rows,
  ];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => {
    const [folder] = process.argv.slice(2);
    if (!folder) throw new Failure('Usage: node scripts/release/sizes.mjs DIR');
    console.log(sizeTable(readNotes(folder), statSync(findTarball(folder)).size));
  });
}
