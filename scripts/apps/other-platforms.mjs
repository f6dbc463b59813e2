/** The packages of other platforms, as empty ones: some package managers read them all, and not all of them know of libc. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../build/failure.mjs';

/** @param packages `{ manifest, tarball }` that there are @param folder for tarballs @returns the ones they name, alike */
export function packOtherPlatforms(packages, folder) {
  const own = packages.map(({ manifest }) => manifest.name);
  const named = packages.flatMap(({ manifest: { optionalDependencies, peerDependencies } }) =>
    Object.entries({ ...optionalDependencies, ...peerDependencies }),
  );
  return named
    .filter(([name]) => name.startsWith('@llava-onevision/') && !own.includes(name))
    .map(([name, version]) => packEmpty({ name, version, ...platformOf(name) }, folder));
}

function platformOf(name) {
  const [os, cpu, kind] = name.split('/')[1].split('-');
  const libc = os === 'linux' && { libc: [kind === 'musl' ? 'musl' : 'glibc'] };
  return { os: [os], cpu: [cpu], ...libc };
}

function packEmpty(manifest, folder) {
  const at = path.join(folder, manifest.name.replaceAll('/', '-'));
  mkdirSync(path.join(at, 'package'), { recursive: true });
  writeFileSync(path.join(at, 'package/package.json'), JSON.stringify(manifest));
  const tarball = `${at}-${manifest.version}.tgz`;
  const { status, stderr } = spawnSync('tar', ['-czf', tarball, '-C', at, 'package']);
  if (status !== 0) throw new Failure(`tar: ${stderr}`);
  return { manifest, tarball };
}
