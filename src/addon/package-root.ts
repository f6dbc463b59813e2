import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The package's folder, with a separator at its end: above src/ when run from source, above dist/src/ when built. */
export const PACKAGE_ROOT = findRoot(new URL('..', import.meta.url));

function findRoot(folder: URL): string {
  const isRoot = existsSync(new URL('package.json', folder)) || folder.pathname === '/';
  return isRoot ? fileURLToPath(folder) : findRoot(new URL('..', folder));
}

export function packageVersion(): string {
  const manifest = readFileSync(`${PACKAGE_ROOT}package.json`, 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
