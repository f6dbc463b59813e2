/**
 * The npm registry with our packages on top, as they will be there once published: everything else is passed on from npm's
 * own registry, so that package managers install as they do for users.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

/** @param upstream address of a registry @param packages `{ manifest, tarball }` of each of ours
 *  @returns {Promise<{ url: string, close(): Promise<void> }>} */
export async function startRegistry(upstream, packages) {
  const server = createServer((request, response) => {
    answer(request.url ?? '/', request.headers, response).catch((error) =>
      response.writeHead(502).end(String(error)),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const documents = new Map(packages.map((one) => [one.manifest.name, document(one, url)]));
  for (const manifest of foreignPackages(packages.map((one) => one.manifest)))
    documents.set(manifest.name, documentOf(manifest, { tarball: `${url}/none.tgz` }));

  async function answer(address, { accept }, response) {
    const name = decodeURIComponent(address.slice(1));
    const ours = documents.get(name);
    if (ours) return response.setHeader('content-type', 'application/json').end(ours);
    const packed = packages.find(({ tarball }) => path.basename(tarball) === path.basename(name));
    if (packed) return response.end(readFileSync(packed.tarball));
    const found = await fetch(`${upstream.replace(/\/$/, '')}${address}`, {
      headers: accept ? { accept } : {},
    });
    const type = found.headers.get('content-type') ?? 'application/octet-stream';
    response.writeHead(found.status, { 'content-type': type });
    response.end(Buffer.from(await found.arrayBuffer()));
  }

  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Those of other platforms, of which package managers read no more than which platforms they are for. */
function foreignPackages(manifests) {
  const own = manifests.map(({ name }) => name);
  const named = manifests.flatMap(({ optionalDependencies = {}, peerDependencies = {} }) =>
    Object.entries({ ...optionalDependencies, ...peerDependencies }),
  );
  return named
    .filter(([name]) => name.startsWith('@llava-onevision/') && !own.includes(name))
    .map(([name, version]) => {
      const [os, cpu, kind] = name.split('/')[1].split('-');
      const libc = os === 'linux' && { libc: [kind === 'musl' ? 'musl' : 'glibc'] };
      return { name, version, os: [os], cpu: [cpu], ...libc };
    });
}

function document({ manifest, tarball }, url) {
  const { name } = manifest;
  const bytes = readFileSync(tarball);
  const dist = {
    tarball: `${url}/${name}/-/${path.basename(tarball)}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
  };
  return documentOf(manifest, dist);
}

function documentOf(manifest, dist) {
  const { name, version } = manifest;
  // Older than any age that a package manager wants new versions to have.
  const time = { created: '2020-01-01T00:00:00.000Z', [version]: '2020-01-01T00:00:00.000Z' };
  const versions = { [version]: { ...manifest, dist } };
  return JSON.stringify({ name, time, 'dist-tags': { latest: version }, versions });
}
