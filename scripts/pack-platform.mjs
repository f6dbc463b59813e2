/**
 * Packs a platform package out of what scripts/build-prebuilds.mjs has made
 * (`node scripts/pack-platform.mjs NAME --from DIR --out DIR`, NAME as linux-x64-cuda12): the builds of the addon and
 * variants.json, with manifest, README and the licences of everything inside.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from './failure.mjs';
import { licenceFile } from './licences.mjs';
import { npmPack } from './npm.mjs';
import { repositoryOf } from './pack-main.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const USAGE = 'Usage: node scripts/pack-platform.mjs NAME --from DIR --out DIR';

const WHAT = {
  cuda: 'with CUDA 13; takes a driver of version 580 or later, and cuBLAS 13 in the library path',
  cuda12: 'with CUDA 12; takes a driver of version 525 or later, and cuBLAS 12 in the library path',
  vulkan: 'with Vulkan',
};

/** "linux-x64-musl-cuda" in its parts. */
export function parsePlatform(name) {
  const [platform, arch, ...rest] = name.split('-');
  const libc = platform === 'linux' ? (rest.includes('musl') ? 'musl' : 'glibc') : undefined;
  return { platform, arch, libc, backend: rest.find((part) => part in WHAT) };
}

/** @param from folder of variants.json and what it lists @returns the tarball in `out` @throws Failure */
export function packPlatform(name, from, out) {
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'llava-onevision-pack-'));
  try {
    for (const file of filesOf(from))
      copyFileSync(path.join(from, file), path.join(temporary, file));
    const { platform, backend } = parsePlatform(name);
    const compiledIn =
      backend?.replace('cuda12', 'cuda') ?? (platform === 'darwin' ? 'metal' : undefined);
    writeFileSync(path.join(temporary, 'LICENSES'), licenceFile({ backend: compiledIn }));
    writeFileSync(path.join(temporary, 'README.md'), readme(name));
    const manifest = `${JSON.stringify(manifestOf(name), null, 2)}\n`;
    writeFileSync(path.join(temporary, 'package.json'), manifest);
    return npmPack(temporary, out);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function filesOf(from) {
  const list = path.join(from, 'variants.json');
  if (!existsSync(list))
    throw new Failure(`${list} does not exist: it is made by npm run build:prebuilds.`);
  const variants = JSON.parse(readFileSync(list, 'utf8'));
  if (variants.at(-1)?.needs.length !== 0)
    throw new Failure(
      `${list} ends with a build that not every CPU runs: its needs are not empty.`,
    );
  const probe = variants.length > 1 ? ['cpu-features.node'] : [];
  const files = ['variants.json', ...variants.map(({ file }) => file), ...probe];
  const absent = files.find((file) => !existsSync(path.join(from, file)));
  if (absent) throw new Failure(`${list} names ${absent}, which is not beside it.`);
  return files;
}

function manifestOf(name) {
  const { version, license, engines } = JSON.parse(
    readFileSync(path.join(ROOT, 'package.json'), 'utf8'),
  );
  const { platform, arch, libc, backend } = parsePlatform(name);
  return {
    name: `@llava-onevision/${name}`,
    version,
    description: `The native addon of llava-onevision for ${platform}-${arch}${backend ? ` ${WHAT[backend]}` : ''}`,
    license: backend?.startsWith('cuda') ? 'SEE LICENSE IN LICENSES' : license,
    ...repositoryOf(process.env),
    os: [platform],
    cpu: [arch],
    ...(libc && { libc: [libc] }),
    engines,
    preferUnplugged: true,
  };
}

function readme(name) {
  const { platform, arch, libc, backend } = parsePlatform(name);
  const system = `${platform}-${arch}${libc ? ` (${libc})` : ''}`;
  return `# @llava-onevision/${name}

The native addon of llava-onevision for ${system}${backend ? `,\n${WHAT[backend]}` : ''}.
It is not used by itself: ${
    backend
      ? 'add it to a project that depends on llava-onevision, at the same version.'
      : 'npm installs it with llava-onevision.'
  }

variants.json lists its builds, best first, and what each needs of the CPU. LICENSES has the licences of what is inside.
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => {
    const { values, positionals } = parseArgs({
      options: { from: { type: 'string' }, out: { type: 'string' } },
      allowPositionals: true,
    });
    const [name] = positionals;
    if (!name || !values.from || !values.out) throw new Failure(USAGE);
    const out = path.resolve(values.out);
    mkdirSync(out, { recursive: true });
    console.log(packPlatform(name, path.resolve(values.from), out));
  });
}
