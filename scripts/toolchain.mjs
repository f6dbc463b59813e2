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

/**
 * What CMake must be told for CUDA: the compiler where it is not on the path, and, where there is no GPU to ask,
 * for which to compile (compute capability 7.5 and later; -DCMAKE_CUDA_ARCHITECTURES=90 and the like narrow it).
 */
export function cudaDefines(given, env = process.env) {
  const isGiven = (name) => given.some((define) => define.startsWith(`-D${name}`));
  const defines = [];
  if (!isGiven('CMAKE_CUDA_COMPILER')) defines.push(`-DCMAKE_CUDA_COMPILER=${findNvcc(env)}`);
  if (!isGiven('CMAKE_CUDA_ARCHITECTURES') && answers('nvidia-smi', ['-L']) === undefined) {
    defines.push('-DCMAKE_CUDA_ARCHITECTURES=75-virtual;80-virtual;86-real;89-real;90-virtual');
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
