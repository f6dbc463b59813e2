/** Looks for the programs a native build needs and says, for what is missing, what to install. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Failure } from './failure.mjs';

const INSTALL = {
  cmake: {
    linux: 'apt install cmake   (or dnf, pacman, apk)',
    darwin: 'brew install cmake',
    win32: 'winget install Kitware.CMake',
  },
  compiler: {
    linux: 'apt install build-essential   (dnf: gcc-c++ make; apk: build-base linux-headers)',
    darwin: 'xcode-select --install',
    win32:
      'winget install Microsoft.VisualStudio.2022.BuildTools, with "Desktop development with C++" (on arm64 also "C++ Clang tools")',
  },
  maker: {
    linux: 'apt install ninja-build   (or make)',
    darwin: 'brew install ninja',
    win32: 'winget install Ninja-build.Ninja',
  },
  cuda: {
    linux:
      "NVIDIA's CUDA toolkit 12 or later (https://developer.nvidia.com/cuda-downloads), nvcc on the PATH or in CUDACXX",
    darwin: 'nothing: there is no CUDA on macOS, Metal is on by default',
    win32: 'winget install Nvidia.CUDA, then a new terminal so that nvcc is on the PATH',
  },
  vulkan: {
    linux:
      'apt install libvulkan-dev glslc spirv-headers   (or the SDK of https://vulkan.lunarg.com)',
    darwin: 'brew install vulkan-loader vulkan-headers shaderc molten-vk',
    win32: 'winget install KhronosGroup.VulkanSDK',
  },
};

/** A line that says what to install here for one of the tools above. */
export function installHint(tool, platform = process.platform) {
  return INSTALL[tool][platform] ?? INSTALL[tool].linux;
}

function answers(program, args = ['--version']) {
  const result = spawnSync(program, args, { encoding: 'utf8' });
  return result.status === 0 ? result.stdout : undefined;
}

function findsAny(programs) {
  return programs.some((program) => program && answers(program) !== undefined);
}

function hasCmake() {
  const [, major, minor] = answers('cmake')?.match(/version (\d+)\.(\d+)/) ?? [];
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 19);
}

/** nvcc as CMake would find it; undefined when there is none. */
export function findNvcc(env = process.env) {
  const folders = [env.CUDA_PATH, env.CUDA_HOME, '/usr/local/cuda'].filter(Boolean);
  const candidates = [
    env.CUDACXX,
    'nvcc',
    ...folders.map((folder) => path.join(folder, 'bin/nvcc')),
  ];
  return candidates.find((program) => program && answers(program) !== undefined);
}

/** From the output of `nvcc --version`: [12, 9]; undefined where it does not say. */
export function cudaVersion(text) {
  const [, major, minor] = /release (\d+)\.(\d+)/.exec(text ?? '') ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor)];
}

/**
 * The GPUs to compile for where none is at hand, or where the build travels: code for each generation since Turing, because
 * a driver older than the toolkit runs such code but translates no PTX; PTX only for what comes later.
 */
export function cudaArchitectures([major, minor]) {
  const hasBlackwell = major > 12 || (major === 12 && minor >= 8);
  return ['75', '80', '86', '89', '90', ...(hasBlackwell ? ['120a'] : [])]
    .map((architecture) => `${architecture}-real`)
    .concat('90-virtual');
}

/**
 * What CMake must be told for CUDA: the compiler where it is not on the path, and for which GPUs to compile, unless it is for
 * the one at hand (-DCMAKE_CUDA_ARCHITECTURES=90 and the like narrow that).
 */
export function cudaDefines({ native, defines: given }, env = process.env) {
  const isGiven = (name) => given.some((define) => define.startsWith(`-D${name}`));
  const nvcc = findNvcc(env);
  const defines = [];
  if (!isGiven('CMAKE_CUDA_COMPILER')) defines.push(`-DCMAKE_CUDA_COMPILER=${nvcc}`);
  const isForThisGpu = native && answers('nvidia-smi', ['-L']) !== undefined;
  if (!isGiven('CMAKE_CUDA_ARCHITECTURES') && !isForThisGpu) {
    const version = cudaVersion(nvcc && answers(nvcc)) ?? [12, 0];
    defines.push(`-DCMAKE_CUDA_ARCHITECTURES=${cudaArchitectures(version).join(';')}`);
  }
  return defines;
}

/** What a failed configuration most likely lacks, by its log; undefined when that is not known. */
export function diagnoseConfigure(log, { cuda, vulkan }) {
  const [, library] = /CUDA::(\w+)\s+but the target was not found/.exec(log) ?? [];
  if (cuda && library) {
    return `nvcc is here, the toolkit's ${library} is not. --cuda needs all of: ${installHint('cuda')}`;
  }
  if (cuda) return `--cuda needs: ${installHint('cuda')}`;
  if (vulkan) return `--vulkan needs: ${installHint('vulkan')}`;
  return undefined;
}

function hasVulkan(env) {
  if (env.VULKAN_SDK && existsSync(env.VULKAN_SDK)) return true;
  return answers('glslc') !== undefined;
}

/**
 * @param backends { cuda, vulkan } that are asked for
 * @throws Failure naming everything that is missing, each with what to install
 */
export function checkToolchain(backends, env = process.env) {
  const windows = process.platform === 'win32'; // there cmake-js finds Visual Studio by itself
  const missing = [];
  const need = (tool, what, isThere) => {
    if (!isThere) missing.push(`  ${what}\n      ${installHint(tool)}`);
  };
  need('cmake', 'CMake 3.19 or later', hasCmake());
  if (!windows) {
    need('compiler', 'a C++17 compiler', findsAny([env.CXX, 'c++', 'g++', 'clang++']));
    need('maker', 'Ninja or Make', findsAny(['ninja', 'make', 'gmake']));
  }
  if (backends.cuda) need('cuda', 'the CUDA compiler nvcc (for --cuda)', findNvcc(env));
  if (backends.vulkan) need('vulkan', "Vulkan's headers and glslc (for --vulkan)", hasVulkan(env));
  if (missing.length > 0) {
    throw new Failure(`Building the native addon needs what is not here:\n${missing.join('\n')}`);
  }
}
