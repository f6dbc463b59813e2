/** The machine that Node runs on, as the search for the addon asks it. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { isThere } from '../files/is-there.js';
import type { Machine } from './find-addon.js';
import { PACKAGE_ROOT, packageVersion } from './package-root.js';
import { thisPlatform } from './platform-packages.js';

export function thisMachine(): Machine {
  return {
    ...thisPlatform(),
    env: process.env,
    root: PACKAGE_ROOT,
    version: packageVersion(),
    findPackage,
    load: createRequire(import.meta.url),
    hasLibrary,
  };
}

/** GPU packages are the app's to install, so its folder is asked too: not every package manager shows them to us. */
function findPackage(name: string): string | undefined {
  return findFrom(import.meta.url, name) ?? findFrom(appFolder(), name);
}

function findFrom(from: string | undefined, name: string): string | undefined {
  if (from === undefined) return undefined;
  const require = createRequire(from);
  try {
    return path.dirname(require.resolve(`${name}/package.json`));
  } catch {
    // A package.json that cannot be read counts as found: who reads it says what is wrong with it.
    const places = require.resolve.paths(name) ?? [];
    return places.map((place) => path.join(place, name)).find((folder) => isThere(folder));
  }
}

/** Undefined where the folder that the process was started in is gone. */
function appFolder(): string | undefined {
  try {
    return path.join(process.cwd(), 'package.json');
  } catch {
    return undefined;
  }
}

function hasLibrary(name: string): boolean {
  if (process.platform === 'win32')
    return isThere(path.join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', name));
  try {
    process.dlopen({ exports: {} }, name);
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A library that is found is refused for being no addon, and closed again. Where Node may load no addons it is not asked.
    return message.includes('did not self-register') || code === 'ERR_DLOPEN_DISABLED';
  }
}
