/** A folder of tarballs, and what build-package.mjs notes beside each. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../build/failure.mjs';

/**
 * @typedef {{ name: string, packed: number, files: Record<string, number>, seconds: number, variants: string[],
 *   toolkit: { name: string, version: string, licence: string }[] }} Note sizes in bytes by file; `toolkit` is what a
 *   GPU's toolkit has added
 */

const END = '.package.json';

/** @param {string} folder @param {Note} note */
export function writeNote(folder, note) {
  const text = `${JSON.stringify(note, null, 2)}\n`;
  writeFileSync(path.join(folder, `${note.name}${END}`), text);
}

/** @param {string} folder @returns {Note[]} */
export function readNotes(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith(END))
    .sort()
    .map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')));
}

/** @param {string} folder @param {string} [name] of a platform; the main package without @throws Failure */
export function findTarball(folder, name) {
  const prefix = name ? `llava-onevision-${name}` : 'llava-onevision';
  const isIt = (file) => /^-\d.*\.tgz$/.test(file.slice(prefix.length));
  const file = readdirSync(folder).find((one) => one.startsWith(prefix) && isIt(one));
  if (!file) throw new Failure(`${folder} has no tarball ${prefix}-*.tgz`);
  return path.resolve(folder, file);
}
