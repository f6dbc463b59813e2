/**
 * Makes one platform package from nothing (`node scripts/release/build-package.mjs NAME --out DIR`, NAME as linux-x64-cuda):
 * compiles its builds, checks on Linux that they load where docs/install.md promises, loads the one for this CPU, packs, and
 * notes times and sizes beside the tarball. What a job of release.yml does, and works by hand.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, main } from '../failure.mjs';
import { packPlatform, parsePlatform } from '../pack-platform.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const USAGE = 'Usage: node scripts/release/build-package.mjs NAME --out DIR [-- -DNAME=VALUE...]';

function runNode(args, env = process.env) {
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env });
  if (status !== 0) throw new Failure(`${args.join(' ')} failed.`);
}

function build(name, defines) {
  const { platform, arch, backend } = parsePlatform(name);
  const flags = ['--target', `${platform}-${arch}`, '--name', name];
  if (backend) flags.push(`--${backend.replace('cuda12', 'cuda')}`);
  const startedAt = performance.now();
  const rest = defines.length > 0 ? ['--', ...defines] : [];
  runNode(['scripts/build-prebuilds.mjs', ...flags, ...rest]);
  return (performance.now() - startedAt) / 1000;
}

/** A GPU's package loads without its driver only where the driver's library is not linked; so it may fail, but not crash. */
function load(folder, { backend }) {
  const code = `
    const { backendFor } = await import('./dist/src/binding.js');
    try {
      const { info } = backendFor('cpu');
      console.log('Loads:', info.file);
    } catch (error) {
      console.error(error.message);
      process.exitCode = ${backend ? 0 : 1};
    }`;
  runNode(['--input-type=module', '--eval', code], { ...process.env, LLAVAOV_BINDING: folder });
}

function unpackedSize(folder) {
  const files = readdirSync(folder).map((file) => [file, statSync(path.join(folder, file)).size]);
  return Object.fromEntries(files);
}

await main(() => {
  const separator = process.argv.indexOf('--');
  const given = process.argv.slice(2, separator < 0 ? undefined : separator);
  const defines = separator < 0 ? [] : process.argv.slice(separator + 1);
  const { values, positionals } = parseArgs({
    args: given,
    options: { out: { type: 'string' } },
    allowPositionals: true,
  });
  const [name] = positionals;
  if (!name || !values.out) throw new Failure(USAGE);
  const out = path.resolve(values.out);
  mkdirSync(out, { recursive: true });
  const seconds = build(name, defines);
  const folder = path.join(ROOT, 'prebuilds', name);
  const parts = parsePlatform(name);
  if (parts.platform === 'linux' && parts.libc === 'glibc')
    runNode(['scripts/symbol-floor.mjs', folder, '--check']);
  load(folder, parts);
  const tarball = packPlatform(name, folder, out);
  const variants = JSON.parse(readFileSync(path.join(folder, 'variants.json'), 'utf8'));
  const note = {
    ...{ name, packed: statSync(tarball).size, files: unpackedSize(folder), seconds },
    variants: variants.map(({ name: variant }) => variant),
  };
  writeFileSync(path.join(out, `${name}.json`), `${JSON.stringify(note, null, 2)}\n`);
  console.log(tarball);
});
