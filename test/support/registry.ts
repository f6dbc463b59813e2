/**
 * A package registry on this machine: serves what is in node_modules, and tarballs on top of it, so that npm installs as it
 * does for users, without a network. Other packages are answered with 404, as unpublished ones are.
 */
import { spawn } from 'node:child_process';
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';

interface Manifest {
  name: string;
  version: string;
}

export interface Registry {
  url: string;
  close(): Promise<void>;
}

/** @param tarballs by the manifest inside each */
export async function startRegistry(
  modules: string,
  tarballs: { manifest: Manifest; file: string }[],
): Promise<Registry> {
  /** Versions of a package: its manifest, and the folder or the tarball it is in. */
  const packages = new Map<string, Map<string, { manifest: Manifest; at: string }>>();
  const add = (manifest: Manifest, at: string) => {
    const versions = packages.get(manifest.name) ?? new Map();
    packages.set(manifest.name, versions.set(manifest.version, { manifest, at }));
  };
  for (const folder of packageFolders(modules)) {
    add(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')), folder);
  }
  for (const { manifest, file } of tarballs) add(manifest, file);

  const server: Server = createServer((request, response) => {
    const [name = '', version] = decodeURIComponent(request.url ?? '')
      .slice(1)
      .split('/-/');
    const versions = packages.get(name);
    if (!versions) return void response.writeHead(404).end('{}');
    if (version !== undefined) return sendTarball(versions.get(version)?.at, response);
    const documents = [...versions].map(([one, { manifest }]) => [
      one,
      { ...manifest, dist: { tarball: `${url}/${encodeURIComponent(name)}/-/${one}` } },
    ]);
    const latest = [...versions.keys()].at(-1);
    const document = { name, 'dist-tags': { latest }, versions: Object.fromEntries(documents) };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function sendTarball(at: string | undefined, response: NodeJS.WritableStream): void {
  if (at?.endsWith('.tgz')) return void createReadStream(at).pipe(response);
  if (at === undefined) return void response.end();
  const args = ['-cz', '--exclude', 'node_modules', '-C', dirname(at), basename(at)];
  spawn('tar', ['-f', '-', ...args]).stdout.pipe(response);
}

/** Every package in a node_modules folder, those inside others too. */
function packageFolders(modules: string): string[] {
  if (!existsSync(modules)) return [];
  const names = readdirSync(modules).flatMap((name) => {
    if (name.startsWith('.')) return [];
    if (!name.startsWith('@')) return [name];
    return readdirSync(join(modules, name)).map((part) => join(name, part));
  });
  return names
    .map((name) => join(modules, name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .flatMap((folder) => [folder, ...packageFolders(join(folder, 'node_modules'))]);
}
