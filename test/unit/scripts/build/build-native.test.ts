import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { installProduct, readStamp } from '../../../../scripts/build/build-native.mjs';
import {
  cmakeDefines,
  environmentFlags,
  parseBuildArguments,
  treeName,
} from '../../../../scripts/build/build-options.mjs';
import { buildFraction } from '../../../../scripts/build/cmake-tree.mjs';
import { createProgress } from '../../../../scripts/build/progress.mjs';
import {
  checkToolchain,
  cudaArchitectures,
  cudaDefines,
  cudaVersion,
  diagnoseConfigure,
} from '../../../../scripts/build/toolchain.mjs';
import { skippedLines, tally } from '../../../../scripts/tally-reporter.mjs';

describe('build options', () => {
  test('become CMake definitions', () => {
    const defines = cmakeDefines(parseBuildArguments(['--cuda', '--no-native', '--', '-DX=Y']));
    expect(defines).toContain('-DLLAVAOV_CUDA=ON');
    expect(defines).toContain('-DLLAVAOV_NATIVE=OFF');
    expect(defines).toContain('-DLLAVAOV_VULKAN=OFF');
    expect(defines.at(-1)).toBe('-DX=Y');
  });

  test('of the environment have spaces between, or are a list', () => {
    const flags = (LLAVAOV_BUILD_FLAGS?: string) => environmentFlags({ LLAVAOV_BUILD_FLAGS });
    expect(flags()).toEqual([]);
    expect(flags(' --cuda  --rpc\n')).toEqual(['--cuda', '--rpc']);
    expect(flags('["--", "-DX=a b"]')).toEqual(['--', '-DX=a b']);
    expect(() => flags('["--cuda"')).toThrow('LLAVAOV_BUILD_FLAGS is no list in JSON');
  });

  test('may name the tree to share', () => {
    const trees = ['-DX=1', '-DX=2'].map((define) =>
      treeName(parseBuildArguments(['--tree', 'both', '--', define])),
    );
    expect(trees).toEqual(['both', 'both']);
  });

  test('of different products have different trees; the interop target shares one', () => {
    const sets = [[], ['--cuda'], ['--vulkan'], ['--debug'], ['--no-native'], ['--', '-DX=Y']];
    const names = sets.map((flags) => treeName(parseBuildArguments(flags)));
    expect(new Set(names).size).toBe(sets.length);
    expect(treeName(parseBuildArguments(['--interop']))).toBe(names[0]);
  });

  test('are remembered without those of one run', () => {
    const given = ['--cuda', '--jobs', '3', '--clean', '--jobs=4', '--', '-DX=Y'];
    expect(parseBuildArguments(given).given).toEqual(['--cuda', '--', '-DX=Y']);
  });

  test.each([
    ['--rocm'],
    ['--jobs', 'many'],
    ['--jobs', '0'],
    ['--', 'X=Y'],
    ['--refresh', '--cuda'],
  ])('that make no sense are refused: %s %s', (...flags) =>
    expect(() => parseBuildArguments(flags)).toThrow(),
  );
});

describe('the product', () => {
  const inFolder = (work: (made: string, product: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'llavaov-product-'));
    const made = join(folder, 'made.node');
    writeFileSync(made, 'addon');
    try {
      work(made, join(folder, 'Release/llava-onevision.node'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const stamp = { stamp: 'abc', options: ['--cuda'] };

  test('and its stamp are put in place, and nothing else', () =>
    inFolder((made, product) => {
      installProduct(made, stamp, product);
      expect(readStamp(product)).toEqual(stamp);
      expect(readdirSync(join(product, '..')).sort()).toEqual([
        ...['llava-onevision.json', 'llava-onevision.node'],
      ]);
    }));

  test('keeps its old stamp until the new one is whole', () =>
    inFolder((made, product) => {
      installProduct(made, stamp, product);
      const cyclic: { self?: object } = {};
      cyclic.self = cyclic;
      expect(() => installProduct(made, cyclic, product)).toThrow();
      expect(readStamp(product)).toEqual(stamp);
    }));

  test('that cannot be replaced is told of, and no half of it stays', () =>
    inFolder((made, product) => {
      mkdirSync(join(product, 'in the way'), { recursive: true });
      expect(() => installProduct(made, stamp, product)).toThrow(/Could not replace .*in use/);
      expect(readdirSync(join(product, '..'))).toEqual(['llava-onevision.node']);
    }));

  test('is made again where its stamp is damaged', () =>
    inFolder((made, product) => {
      installProduct(made, stamp, product);
      const note = product.replace('.node', '.json');
      writeFileSync(note, readFileSync(note, 'utf8').slice(0, 10));
      expect(existsSync(note)).toBe(true);
      expect(readStamp(product)).toBeUndefined();
    }));
});

test('progress is read from Ninja and from Make', () => {
  expect(buildFraction('[20/80] Building CXX object a.o')).toBe(0.25);
  expect(buildFraction('[ 15%] Building CXX object a.o')).toBe(0.15);
  expect(buildFraction('[100%] Linking')).toBe(1);
  expect(buildFraction('warning: [1/2] is no step')).toBeUndefined();
});

test('everything that is missing is named, with what to install', () => {
  vi.stubEnv('PATH', '/nowhere');
  const check = () => checkToolchain({ vulkan: true }, { CXX: '' });
  expect(check).toThrow(/CMake 3\.19.*\n.*(apt|brew|winget) install/);
  expect(check).toThrow('glslc');
  vi.unstubAllEnvs();
});

test('CUDA settings of the user are left alone', () => {
  const given = ['-DCMAKE_CUDA_COMPILER=/opt/nvcc', '-DCMAKE_CUDA_ARCHITECTURES=90'];
  expect(cudaDefines({ native: true, defines: given })).toEqual([]);
});

test('CUDA builds that travel have code for every generation, with PTX for later ones only', () => {
  expect(cudaVersion('Cuda compilation tools, release 12.9, V12.9.86')).toEqual([12, 9]);
  expect(cudaVersion('')).toBeUndefined();
  expect(cudaArchitectures([12, 4]).join(' ')).toBe(
    '75-real 80-real 86-real 89-real 90-real 90-virtual',
  );
  expect(cudaArchitectures([12, 9])).toContain('120a-real');
  const [architectures] = cudaDefines({ native: false, defines: ['-DCMAKE_CUDA_COMPILER=x'] });
  expect(architectures).toMatch(/^-DCMAKE_CUDA_ARCHITECTURES=75-real;.*;90-virtual$/);
});

test('a CUDA toolkit without cuBLAS is recognised', () => {
  const log = 'Target "ggml-cuda" links to:\n\n    CUDA::cublas\n\n  but the target was not found.';
  expect(diagnoseConfigure(log, { cuda: true, vulkan: false })).toMatch(/toolkit's cublas is not/);
  expect(diagnoseConfigure('', { cuda: false, vulkan: false })).toBeUndefined();
});

test('a log gets one line for each tenth, a terminal a bar', () => {
  const recorder = (isTTY: boolean) => {
    const lines: string[] = [];
    return { isTTY, lines, write: (text: string) => lines.push(text) };
  };
  const [log, terminal] = [recorder(false), recorder(true)];
  for (const stream of [log, terminal]) {
    const progress = createProgress('Work', { stream });
    for (let i = 0; i <= 100; i++) progress.update(i / 100);
  }
  createProgress('Work', { stream: log, isQuiet: true }).update(1);
  expect(log.lines.length).toBe(10);
  expect(log.lines[0]).toBe('Work 10%\n');
  expect(terminal.lines.join('')).toContain('[############............]');
});

test('the closing line of a test run', () => {
  expect(tally({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
  expect(tally({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped');
});

test('tests that were skipped are listed by reason', () => {
  const skipped = [
    { name: 'a', reason: 'needs ffmpeg' },
    { name: 'b', reason: 'needs Linux' },
    { name: 'c', reason: 'needs ffmpeg' },
  ];
  expect(skippedLines(skipped)).toEqual([
    ...['Skipped, needs ffmpeg:', '  a', '  c', 'Skipped, needs Linux:', '  b'],
  ]);
  expect(skippedLines([])).toEqual([]);
});
