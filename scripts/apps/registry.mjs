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
  const base = upstream.replace(/\/$/, '');
  const server = createServer((request, response) => {
    answer(request.url ?? '/', request.headers, response).catch((error) =>
      response.writeHead(502).end(String(error)),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const documents = new Map(packages.map((one) => [one.manifest.name, document(one, url)]));

  async function answer(address, { accept }, response) {
    const name = decodeURIComponent(address.slice(1));
    const ours = documents.get(name);
    if (ours) return response.setHeader('content-type', 'application/json').end(ours);
    const packed = packages.find(({ tarball }) => path.basename(tarball) === path.basename(name));
    if (packed) return response.end(readFileSync(packed.tarball));
    const found = await fetch(`${base}${address}`, {
      headers: accept ? { accept } : {},
    });
    const type = found.headers.get('content-type') ?? 'application/octet-stream';
    response.writeHead(found.status, { 'content-type': type });
    if (!type.includes('json')) return response.end(Buffer.from(await found.arrayBuffer()));
    // Tarballs where a registry has them: sharp counts on the name that Yarn's PnP makes of the address.
    const text = await found.text();
    response.end(
      text.replace(
        /("tarball": ?")([^"]*)/g,
        (_, key, address) => key + address.replace(base, url),
      ),
    );
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

function document({ manifest, tarball }, url) {
  const { name, version } = manifest;
  const bytes = readFileSync(tarball);
  const dist = {
    tarball: `${url}/${name}/-/${path.basename(tarball)}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
  };
  // Older than any age that a package manager wants new versions to have.
  const time = { created: '2020-01-01T00:00:00.000Z', [version]: '2020-01-01T00:00:00.000Z' };
  const versions = { [version]: { ...manifest, dist } };
  return JSON.stringify({ name, time, 'dist-tags': { latest: version }, versions });
}
