/**
 * Compiles what a platform package holds (`npm run build:prebuilds`) into prebuilds/<platform>-<arch>[-musl][-backend]/:
 * one addon for each CPU variant of cpu-variants.mjs, cpu-features.node to choose among them, and variants.json, which
 * says what each needs, best first.
 *
 * All variants share one build tree that is configured anew for each: only ggml's kernels and ours are compiled again.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseBuildArguments, treeName } from '../build/build-options.mjs';
import { CmakeTree } from '../build/cmake-tree.mjs';
import { Failure, main } from '../build/failure.mjs';
import { checkToolchain } from '../build/toolchain.mjs';
import { cpuVariants, gpuVariants } from './cpu-variants.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** llama.cpp's own releases ask for this macOS. */
const MACOS = '13.3';

const USAGE = `npm run build:prebuilds -- [options] [-- -DNAME=VALUE...]

Compiles the addon once for each kind of CPU, as the platform packages carry it.

  --cuda, --vulkan  for the GPU package; one kind of CPU
  --target T        linux-x64, linux-arm64, darwin-arm64, win32-x64, ...; this machine's by default
  --toolchain FILE  CMake's toolchain file for another target than this machine's
  --name NAME       of the folder, where another than the target's and backend's is meant: linux-x64-cuda12
  --variant NAME    only this one; may be given several times
  --out DIR         where to make the folder (default: prebuilds)
  --jobs N          compile N files at once (default: every core)
  -- -DX=Y          anything else for CMake`;

const OPTIONS = {
  cuda: { type: 'boolean', default: false },
  vulkan: { type: 'boolean', default: false },
  target: { type: 'string', default: `${process.platform}-${process.arch}` },
  toolchain: { type: 'string' },
  name: { type: 'string' },
  variant: { type: 'string', multiple: true },
  out: { type: 'string', default: path.join(ROOT, 'prebuilds') },
  jobs: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
};

function readArguments(given) {
  const separator = given.indexOf('--');
  const own = separator < 0 ? given : given.slice(0, separator);
  const defines = separator < 0 ? [] : given.slice(separator);
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
  return {
    ...values,
    backend: backends[0],
    platform,
    arch,
    build: parseBuildArguments([...flags, ...defines]),
  };
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

async function buildPrebuilds() {
  const options = readArguments(process.argv.slice(2));
  if (options.help) return console.log(USAGE);
  const variants = chosenVariants(options);
  checkToolchain(options.build);
  const name = options.name ?? folderName(options);
  const target = path.join(options.out, name);
  const temporary = `${target}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  const tree = path.join(ROOT, '.build', `${treeName(options.build)}-${name}`);
  const cmake = new CmakeTree(tree, options.build, path.join(ROOT, `.build/prebuilds-${name}.log`));
  const common = [];
  if (options.toolchain) common.push(`-DCMAKE_TOOLCHAIN_FILE=${path.resolve(options.toolchain)}`);
  if (options.platform === 'darwin') common.push(`-DCMAKE_OSX_DEPLOYMENT_TARGET=${MACOS}`);
  try {
    for (const { name: variant, defines } of variants) {
      await cmake.configure([...common, ...defines]);
      await cmake.compile(['llava-onevision', 'cpu-features'], variant);
      const file = path.join(temporary, `llava-onevision.${variant}.node`);
      copyFileSync(cmake.product('llava-onevision'), file);
      console.error(`${path.basename(file)}  ${megabytes(file)}`);
    }
    copyFileSync(cmake.product('cpu-features'), path.join(temporary, 'cpu-features.node'));
  } finally {
    cmake.close();
  }
  const list = variants.map(({ name: variant, needs }) => {
    return { file: `llava-onevision.${variant}.node`, name: variant, needs };
  });
  writeFileSync(path.join(temporary, 'variants.json'), `${JSON.stringify(list, null, 2)}\n`);
  if (existsSync(target)) rmSync(target, { recursive: true });
  renameSync(temporary, target);
  console.error(`Built ${target}`);
}

await main(buildPrebuilds);
