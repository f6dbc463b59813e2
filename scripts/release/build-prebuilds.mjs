/**
 * Makes what a platform package holds (`npm run build:prebuilds`) with prebuildify, in its layout
 * <package>/prebuilds/<platform>-<arch>/: one addon for each CPU variant of cpu-variants.mjs, cpu-features.node to choose
 * among them, and variants.json, which says what each needs, best first.
 *
 * All variants share one build tree that is configured anew for each: only ggml's kernels and ours are compiled again.
 */
import {
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseBuildArguments, treeName } from '../build/build-options.mjs';
import { Failure, main } from '../build/failure.mjs';
import { checkToolchain } from '../build/toolchain.mjs';
import { cpuVariants, gpuVariants } from './cpu-variants.mjs';
import { npm } from './npm.mjs';
import { buildsFolder, PACKAGES } from './pack-platform.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** llama.cpp's own releases ask for this macOS. */
const MACOS = '13.3';

const USAGE = `npm run build:prebuilds -- [options] [-- -DNAME=VALUE...]

Compiles the addon once for each kind of CPU, as the platform packages carry it.

  --cuda, --vulkan  for the GPU package; one kind of CPU
  --target T        linux-x64, linux-arm64, darwin-arm64, win32-x64, ...; this machine's by default
  --toolchain FILE  CMake's toolchain file for another target than this machine's
  --name NAME       of the package, where another than the target's and backend's is meant: linux-x64-cuda12
  --variant NAME    only this one; may be given several times
  --out DIR         where to make the package's folder (default: .build/packages)
  --jobs N          compile N files at once (default: every core)
  -- -DX=Y          anything else for CMake`;

const OPTIONS = {
  cuda: { type: 'boolean', default: false },
  vulkan: { type: 'boolean', default: false },
  target: { type: 'string', default: `${process.platform}-${process.arch}` },
  toolchain: { type: 'string' },
  name: { type: 'string' },
  variant: { type: 'string', multiple: true },
  out: { type: 'string', default: PACKAGES },
  jobs: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
};

function readArguments(given) {
  const separator = given.indexOf('--');
  const own = separator < 0 ? given : given.slice(0, separator);
  const defines = separator < 0 ? [] : given.slice(separator + 1);
  let values;
  try {
    ({ values } = parseArgs({ args: own, options: OPTIONS }));
  } catch (error) {
    throw new Failure(`${error.message}\n\n${USAGE}`);
  }
  const backends = ['cuda', 'vulkan'].filter((backend) => values[backend]);
  if (backends.length > 1) throw new Failure('A package has one GPU backend: --cuda or --vulkan.');
  const [platform, arch] = values.target.split('-');
  const flags = ['--no-native', ...backends.map((backend) => `--${backend}`)];
  if (values.jobs !== undefined) flags.push('--jobs', values.jobs);
  flags.push(platform === 'darwin' ? '--metal' : '--no-metal');
  if (values.toolchain) defines.push(`-DCMAKE_TOOLCHAIN_FILE=${path.resolve(values.toolchain)}`);
  if (platform === 'darwin') defines.push(`-DCMAKE_OSX_DEPLOYMENT_TARGET=${MACOS}`);
  const build = parseBuildArguments([...flags, '--', ...defines]);
  return { ...values, backend: backends[0], platform, arch, flags, defines, build };
}

function isMusl() {
  return process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
}

/** The package's name without its scope. */
function folderName({ platform, arch, backend, toolchain }) {
  const libc = !toolchain && isMusl() ? '-musl' : '';
  return `${platform}-${arch}${libc}${backend ? `-${backend}` : ''}`;
}

function chosenVariants({ platform, arch, backend, variant }) {
  const all = (backend ? gpuVariants : cpuVariants)(platform, arch);
  if (all.length === 0) throw new Failure(`No builds are planned for ${platform}-${arch}.`);
  const unknown = variant?.find((name) => !all.some((one) => one.name === name));
  if (unknown)
    throw new Failure(`--variant: ${all.map(({ name }) => name).join(', ')}, not ${unknown}`);
  return variant ? all.filter(({ name }) => variant.includes(name)) : all;
}

const megabytes = (file) => `${(statSync(file).size / 1e6).toFixed(1)} MB`;

/**
 * One call of prebuildify: node-gyp runs the one CMake build (binding.gyp) with these options, prebuildify takes what is then in
 * build/Release. @param options.flags of build-native.mjs
 */
function prebuildify(name, { platform, arch, out, flags }) {
  // Node's headers, which node-gyp wants to see though CMake has its own way to them, often lie beside Node.
  const home = path.dirname(path.dirname(realpathSync(process.execPath)));
  const hasHeaders = existsSync(path.join(home, 'include/node/common.gypi'));
  const env = {
    ...process.env,
    npm_config_loglevel: 'warn',
    LLAVAOV_BUILD_FLAGS: JSON.stringify(flags),
    ...(hasHeaders && { npm_config_nodedir: home }),
  };
  const target = ['--napi', '--target', process.versions.node];
  const place = ['--platform', platform, '--arch', arch, '--out', out];
  npm(['exec', '--', 'prebuildify', ...target, ...place, '--name', name], {
    ...{ cwd: ROOT, env, stdio: 'inherit' },
  });
  const file = path.join(buildsFolder(out, { platform, arch }), `${name}.node`);
  console.error(`${path.basename(file)}  ${megabytes(file)}`);
}

/** node-gyp empties build/, where the local build is: that stays aside until the work is done. */
function withoutLocalBuild(work) {
  const [folder, aside] = ['build', '.build/local-build'].map((name) => path.join(ROOT, name));
  const putBack = () => {
    if (!existsSync(aside)) return;
    rmSync(folder, { recursive: true, force: true });
    renameSync(aside, folder);
  };
  putBack(); // after a run that was killed
  mkdirSync(path.dirname(aside), { recursive: true });
  if (existsSync(folder)) renameSync(folder, aside);
  // Ctrl-C ends the compiler, and this script where its failure is seen.
  process.on('SIGINT', () => {});
  try {
    work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
    putBack();
  }
}

function buildPrebuilds() {
  const options = readArguments(process.argv.slice(2));
  if (options.help) return console.log(USAGE);
  const variants = chosenVariants(options);
  checkToolchain(options.build);
  const name = options.name ?? folderName(options);
  const target = path.join(options.out, name);
  const out = `${target}.tmp`;
  rmSync(out, { recursive: true, force: true });
  const flags = [...options.flags, '--tree', `${treeName(options.build)}-${name}`];
  const build = (file, more, defines) =>
    prebuildify(file, { ...options, out, flags: [...flags, ...more, '--', ...defines] });
  const list = variants.map(({ name, needs }) => ({
    file: `llava-onevision.${name}.node`,
    name,
    needs,
  }));
  withoutLocalBuild(() => {
    for (const { name: variant, defines } of variants)
      build(`llava-onevision.${variant}`, [], [...defines, ...options.defines]);
    build('cpu-features', ['--cpu-features'], options.defines);
  });
  const text = `${JSON.stringify(list, null, 2)}\n`;
  writeFileSync(path.join(buildsFolder(out, options), 'variants.json'), text);
  rmSync(target, { recursive: true, force: true });
  renameSync(out, target);
  console.error(`Built ${target}`);
}

await main(buildPrebuilds);
