/**
 * Runs the golden cases and test/vulkan on a Vulkan device (`npm run test:vulkan`), a software one where there is no other
 * (Debian's mesa-vulkan-drivers). Says so and ends well where there is none. Not part of npm test: an hour on a software device.
 *
 * Needs no shader compiler: the addon is compiled anew and linked with the shared libraries inside npm's package
 * @node-llama-cpp/linux-x64-vulkan of the same llama.cpp. LLAVAOV_BINDING names another addon to test instead.
 *
 *   npm run test:vulkan -- [--f16] [further arguments for vitest]
 *
 * Products are in f32 (GGML_VK_DISABLE_F16) and visual rows are held to the CPU's bounds, log-probabilities to those of f16,
 * since the decoder's attention takes keys and values in f16 all the same. With --f16 products too are as users have them, and
 * only test/vulkan runs.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseBuildArguments } from './build/build-options.mjs';
import { CmakeTree } from './build/cmake-tree.mjs';
import { Failure, main } from './build/failure.mjs';
import { PIN } from './build/llama-source.mjs';
import { fetchPackage } from './fetch-package.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUILD = path.join(ROOT, '.build');
/** Milliseconds: 7,312 rows take minutes on a software device. */
const TEST_TIMEOUT = 1_800_000;

async function buildAddon() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Failure(
      'The shared libraries are for linux-x64; elsewhere name an addon in LLAVAOV_BINDING.',
    );
  const name = `@node-llama-cpp/linux-x64-vulkan`;
  const spec = `${name}@${PIN.version}`;
  const folder = fetchPackage(spec, path.join(BUILD, `linux-x64-vulkan-${PIN.version}`));
  const libraries = path.join(folder, 'bins/linux-x64-vulkan');
  const options = parseBuildArguments(['--ggml-libs', libraries]);
  const cmake = new CmakeTree(
    path.join(BUILD, 'cmake-shared'),
    options,
    path.join(BUILD, 'test-vulkan.log'),
  );
  try {
    await cmake.configure();
    await cmake.compile(['llava-onevision'], 'the addon');
    return cmake.product('llava-onevision');
  } finally {
    cmake.close();
  }
}

/** In a process of its own: a driver may end it. */
function findDevice(addon, env) {
  const code = `console.log(JSON.stringify(require(${JSON.stringify(addon)}).devices()))`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', code], {
    env,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Failure(`${addon} cannot be loaded:\n${stderr}`);
  return JSON.parse(stdout).find(({ backend }) => backend === 'Vulkan');
}

await main(async () => {
  const given = process.argv.slice(2);
  const isF16 = given.includes('--f16');
  const addon = process.env.LLAVAOV_BINDING ?? (await buildAddon());
  const env = {
    // ggml leaves software devices out unless they are named.
    ...{ GGML_VK_VISIBLE_DEVICES: '0', GGML_VK_DISABLE_F16: '1', ...process.env },
    LLAVAOV_BINDING: addon,
  };
  if (isF16) delete env.GGML_VK_DISABLE_F16;
  const device = findDevice(addon, env);
  if (!device) return console.log('SKIPPED: no Vulkan device here.');
  console.log(`On ${device.name}: ${device.description}`);
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const files = isF16 ? ['test/vulkan'] : ['test/vulkan', 'test/parity/answers.test.ts'];
  const rest = given.filter((argument) => argument !== '--f16');
  const projects = ['--project', 'vulkan', ...(isF16 ? [] : ['--project', 'parity'])];
  const args = [vitest, 'run', `--testTimeout=${TEST_TIMEOUT}`, ...projects, ...files, ...rest];
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
  process.exitCode = status ?? 1;
});
