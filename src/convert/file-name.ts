/** What files are called that are made of a folder. */
import { basename, dirname, resolve } from 'node:path';
import { invalidArgument } from '../errors.js';

/** The folder's name, or its parent's for one named "checkpoint". */
export function defaultName(folder: string): string {
  const path = resolve(folder);
  return basename(basename(path) === 'checkpoint' ? dirname(path) : path) || 'model';
}

/** @throws ERR_INVALID_ARGUMENT */
export function checkName(_: string, name: unknown): void {
  if (typeof name !== 'string' || name !== basename(name) || /^\.*$|\p{Cc}/u.test(name))
    throw invalidArgument('name', 'a file name without folders', name);
}
