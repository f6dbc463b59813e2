/**
 * Reads our own C++ files with compilers other than the one at hand (`npm run check:portable`): Clang, whose rules macOS has,
 * and MinGW-w64, whose headers are those of Windows. Nothing is linked; llama.cpp's own files are not compiled. Debian's
 * packages: clang, g++-mingw-w64-x86-64. A compiler that is not here is left out, and said.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, main } from './build/failure.mjs';
import { llamaSource } from './build/llama-source.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NATIVE = path.join(ROOT, 'native');
const require = createRequire(import.meta.url);

const COMPILERS = {
  // std::mutex needs the variant with POSIX threads.
  'x86_64-w64-mingw32-g++-posix': ['-DNOMINMAX', '-D_WIN32_WINNT=0x0A00'],
  'clang++': [],
  // With another target: the branches of arm64.
  'aarch64-linux-gnu-g++': [],
};

const AVX2 = ['-mavx2', '-mfma', '-mf16c', '-mbmi2'];
const AVX512 = ['f', 'cd', 'bw', 'dq', 'vl', 'vnni'].map((name) => `-mavx512${name}`);
/** Without them a kernel is an empty file. */
const KERNEL_ISA = [[], [...AVX2, '-mavxvnni'], [...AVX2, ...AVX512]];
const ARM_KERNEL_ISA = [[], ['-march=armv8.2-a+dotprod+fp16']];

function includes() {
  // cmake-js prints its own: those of Node-API and node-addon-api.
  const cmakeJs = path.join(path.dirname(require.resolve('cmake-js/package.json')), 'bin/cmake-js');
  const { stdout } = spawnSync(process.execPath, [cmakeJs, 'print-cmakejs-include'], {
    encoding: 'utf8',
    cwd: ROOT,
  });
  const source = llamaSource();
  const folders = [
    ...(stdout.trim().split('\n').pop() ?? '').split(';'),
    ...['include', 'src', 'ggml/include', 'ggml/src', 'ggml/src/ggml-cpu'].map((folder) =>
      path.join(source, folder),
    ),
  ];
  return folders.filter(existsSync).flatMap((folder) => ['-isystem', folder]);
}

const FLAGS = [
  ...['-fsyntax-only', '-std=c++17', '-Wall', '-Wextra', '-Wvla', '-Werror'],
  ...['-DNAPI_VERSION=8', '-DNAPI_CPP_EXCEPTIONS', '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
  '-DNODE_GYP_MODULE_NAME=llava_onevision',
  `-I${NATIVE}`,
];

await main(() => {
  // interop/ is read by llama.cpp's own build alone, kernels-test/ where GCC's question for CPU features is answered.
  const files = readdirSync(NATIVE, { recursive: true }).filter(
    (name) => name.endsWith('.cc') && !/^(interop|kernels-test)/.test(name),
  );
  const folders = includes();
  const failed = [];
  for (const [compiler, flags] of Object.entries(COMPILERS)) {
    if (spawnSync(compiler, ['--version']).status !== 0) {
      console.log(`${compiler} is not here: left out`);
      continue;
    }
    for (const file of files) {
      const kernelIsa = compiler.startsWith('aarch64') ? ARM_KERNEL_ISA : KERNEL_ISA;
      for (const isa of file.startsWith('kernels') ? kernelIsa : [[]]) {
        const args = [...FLAGS, ...flags, ...isa, ...folders, path.join(NATIVE, file)];
        const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
        if (status !== 0) failed.push(`${compiler} ${isa.join(' ')} ${file}\n${stderr.trim()}`);
      }
    }
    console.log(`${compiler}: ${files.length} files read`);
  }
  if (failed.length > 0) throw new Failure(failed.join('\n\n'));
});
