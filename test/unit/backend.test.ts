/** Where the addon is found and what it says when it is not: machines are made up, folders are real. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BackendChoice, chooseBackend } from '../../src/backend.js';
import type { NativeDevice } from '../../src/binding.js';
import type { LlavaError } from '../../src/errors.js';
import type { Machine } from '../../src/native-binding.js';
import {
  CPU_PACKAGES,
  GPU_PACKAGES,
  packagesFor,
  thisPlatform,
} from '../../src/platform-packages.js';

const VERSION = '1.2.3';
const X64 = '@llava-onevision/linux-x64';
const VARIANTS = [
  { file: 'v4.node', name: 'x64-v4', needs: ['avx512f', 'avx512bw'] },
  { file: 'v3.node', name: 'x64-v3', needs: ['avx2'] },
  { file: 'base.node', name: 'x64', needs: [] },
];

let folder: string;
/** What loading a file gives, by its name's last two parts; a string is what the loader says instead. */
let files: Map<string, unknown>;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'llavaov-backend-'));
  files = new Map();
});
afterEach(() => rmSync(folder, { recursive: true }));

function addon(...gpus: string[]) {
  const device = (backend: string): NativeDevice => ({
    ...{ name: `${backend}0`, description: '', backend, memoryFree: 1, memoryTotal: 1 },
    type: backend === 'CPU' ? 'cpu' : 'gpu',
  });
  return {
    devices: () => ['CPU', ...gpus].map(device),
    buildInfo: () => ({ backends: ['CPU', ...gpus] }),
  };
}

/** Compiled with a backend whose device is not there. */
const withoutDevice = (backend: string) => ({
  ...addon(),
  buildInfo: () => ({ backends: ['CPU', backend] }),
});

function put(file: string, loads: unknown) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '');
  files.set(file, loads);
}

/** @param loads what every build of the package gives */
function install(name: string, loads: unknown, { version = VERSION, variants = VARIANTS } = {}) {
  const home = path.join(folder, 'node_modules', name);
  for (const { file } of variants) put(path.join(home, file), loads);
  writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name, version }));
  writeFileSync(path.join(home, 'variants.json'), JSON.stringify(variants));
  put(path.join(home, 'cpu-features.node'), { features: () => ['sse42', 'avx', 'avx2'] });
  return home;
}

function compileHere(loads: unknown) {
  const file = path.join(folder, 'build/Release/llava-onevision.node');
  put(file, loads);
  return file;
}

function machine(changes: Partial<Machine> = {}): Machine {
  return {
    ...{ platform: 'linux', arch: 'x64', libc: 'glibc', env: {}, version: VERSION, root: folder },
    findPackage: (name) => {
      const home = path.join(folder, 'node_modules', name);
      return files.has(path.join(home, 'cpu-features.node')) ? home : undefined;
    },
    load: (file) => {
      const loads = files.get(file);
      if (typeof loads === 'string') throw new Error(loads);
      if (loads === undefined) throw new Error(`${file}: cannot open shared object file`);
      return loads;
    },
    hasLibrary: () => true,
    ...changes,
  };
}

const choose = (choice: BackendChoice, changes: Partial<Machine> = {}) =>
  chooseBackend(choice, machine(changes)).info;

function failure(choice: BackendChoice, changes: Partial<Machine> = {}): LlavaError {
  try {
    choose(choice, changes);
  } catch (error) {
    return error as LlavaError;
  }
  throw new Error('nothing was thrown');
}

describe('the names of packages', () => {
  it.each([
    [{ platform: 'linux', arch: 'x64', libc: 'glibc' as const }, ['@llava-onevision/linux-x64']],
    [
      { platform: 'linux', arch: 'arm64', libc: 'musl' as const },
      ['@llava-onevision/linux-arm64-musl'],
    ],
    [{ platform: 'win32', arch: 'arm64', libc: null }, ['@llava-onevision/win32-arm64']],
    [{ platform: 'freebsd', arch: 'x64', libc: null }, []],
  ])('%j', (platform, names) => expect(packagesFor('cpu', platform)).toEqual(names));

  it('of GPU backends, best first', () => {
    const linux = { platform: 'linux', arch: 'x64', libc: 'glibc' as const };
    expect(packagesFor('cuda', linux)).toEqual([`${X64}-cuda`, `${X64}-cuda12`]);
    expect(packagesFor('cuda', { ...linux, libc: 'musl' })).toEqual([]);
    expect(packagesFor('metal', linux)).toEqual([]);
    const mac = { platform: 'darwin', arch: 'arm64', libc: null };
    expect(packagesFor('metal', mac)).toEqual(packagesFor('cpu', mac));
  });

  it('are each reached from some platform', () => {
    const reached = [...CPU_PACKAGES, ...GPU_PACKAGES].flatMap((name) => {
      const [platform, arch, libc] = name.split('-') as [string, string, string?];
      const where = { platform, arch, libc: libc === 'musl' ? ('musl' as const) : null };
      return (['cpu', 'cuda', 'vulkan'] as const).flatMap((one) => packagesFor(one, where));
    });
    expect(new Set(reached).size).toBe(CPU_PACKAGES.length + GPU_PACKAGES.length);
  });

  it('tell the C library of this machine', () => {
    const { libc } = thisPlatform();
    expect(libc).toEqual(
      process.platform === 'linux' ? expect.stringMatching(/^(glibc|musl)$/) : null,
    );
  });
});

describe('the order', () => {
  it('a named file comes before everything', () => {
    compileHere(addon());
    const file = path.join(folder, 'other.node');
    put(file, addon());
    for (const choice of ['auto', 'cpu'] as const)
      expect(choose(choice, { env: { LLAVAOV_BINDING: file } })).toMatchObject({
        ...{ file, package: null, reason: expect.stringContaining('LLAVAOV_BINDING') },
      });
  });

  it('a named folder is read as a package', () => {
    const home = install(X64, addon());
    expect(choose('cpu', { env: { LLAVAOV_BINDING: home } })).toMatchObject({
      ...{ package: null, variant: 'x64-v3', file: path.join(home, 'v3.node') },
    });
  });

  it('a named file that does not load is not replaced by another', () => {
    compileHere(addon());
    const env = { LLAVAOV_BINDING: '/absent.node' };
    expect(failure('auto', { env })).toMatchObject({ code: 'ERR_BINDING_NOT_FOUND' });
    expect(failure('cpu', { env }).message).toMatch(
      /absent\.node does not exist[\s\S]*LLAVAOV_BINDING is set/,
    );
  });

  it('a build made here comes before packages', () => {
    install(X64, addon());
    const file = compileHere(addon());
    expect(choose('auto')).toMatchObject({ name: 'cpu', file, package: null });
  });

  it('a build made here that does not load leaves it to the package, and is told of', () => {
    install(X64, addon());
    compileHere('libcuda.so.1: cannot open shared object file');
    expect(choose('auto')).toMatchObject({
      ...{ package: X64, reason: expect.stringContaining('libcuda.so.1') },
    });
  });

  it('a GPU package is taken where it finds a device', () => {
    install(X64, addon());
    install(`${X64}-vulkan`, addon('Vulkan'));
    expect(choose('auto')).toMatchObject({ name: 'vulkan', package: `${X64}-vulkan` });
    expect(choose('cpu')).toMatchObject({ name: 'cpu', package: X64 });
  });

  it('CUDA 13 comes before CUDA 12', () => {
    install(`${X64}-cuda`, addon('CUDA'));
    install(`${X64}-cuda12`, addon('CUDA'));
    expect(choose('cuda').package).toBe(`${X64}-cuda`);
  });

  it('CUDA 12 is taken where 13 does not load', () => {
    install(`${X64}-cuda`, 'libcublas.so.13: cannot open shared object file');
    install(`${X64}-cuda12`, addon('CUDA'));
    expect(choose('cuda').package).toBe(`${X64}-cuda12`);
  });

  it('auto says why a GPU package that is installed was not taken', () => {
    install(X64, addon());
    install(`${X64}-cuda`, 'libcuda.so.1: cannot open shared object file');
    install(`${X64}-vulkan`, withoutDevice('Vulkan'));
    const { name, package: from, reason } = choose('auto');
    expect([name, from]).toEqual(['cpu', X64]);
    expect(reason).toContain('libcuda.so.1: cannot open shared object file');
    expect(reason).toContain(`${X64}-vulkan: it loads but finds no device`);
    expect(reason).not.toContain('cuda12');
  });

  it('on macOS the plain package has Metal', () => {
    const name = '@llava-onevision/darwin-arm64';
    const mac = { platform: 'darwin', arch: 'arm64', libc: null };
    install(name, addon('MTL'));
    expect(choose('auto', mac)).toMatchObject({ name: 'metal', package: name });
    expect(choose('metal', mac)).toMatchObject({ name: 'metal', package: name });
  });

  it('a GPU package alone serves the CPU too', () => {
    install(`${X64}-cuda`, addon('CUDA'));
    expect(choose('cpu')).toMatchObject({ name: 'cpu', package: `${X64}-cuda` });
  });
});

describe('the build for this CPU', () => {
  const withFeatures = (...features: string[]) => {
    const home = install(X64, addon());
    files.set(path.join(home, 'cpu-features.node'), { features: () => features });
  };

  it.each([
    [['avx2', 'avx512f', 'avx512bw'], 'x64-v4'],
    [['avx2', 'avx512f'], 'x64-v3'],
    [[], 'x64'],
  ])('%j', (features, variant) => {
    withFeatures(...features);
    expect(choose('cpu').variant).toBe(variant);
  });

  it('is the plainest where the CPU cannot be asked', () => {
    const home = install(X64, addon());
    files.set(path.join(home, 'cpu-features.node'), 'no such thing');
    expect(choose('cpu').variant).toBe('x64');
  });

  it('can be named', () => {
    withFeatures();
    expect(choose('cpu', { env: { LLAVAOV_CPU_VARIANT: 'x64-v4' } }).variant).toBe('x64-v4');
    const { message } = failure('cpu', { env: { LLAVAOV_CPU_VARIANT: 'x65' } });
    expect(message).toContain('x64-v4, x64-v3, x64');
  });
});

describe('without any addon', () => {
  it('everything that was tried is told, and what helps in an app', () => {
    const root = path.join(folder, 'node_modules/llava-onevision');
    const error = failure('auto', { root });
    expect(error).toMatchObject({
      ...{ code: 'ERR_BINDING_NOT_FOUND', platform: 'linux-x64' },
      tried: [X64, `${X64}-cuda`, `${X64}-cuda12`, `${X64}-vulkan`],
    });
    expect(error.message).toContain(`${X64}: not installed`);
    expect(error.message).toContain(`npm install ${X64}@${VERSION}`);
    expect(error.message).toContain('npx llava-onevision build');
  });

  it('in a clone the build script helps', () => {
    expect(failure('cpu').message).toContain('npm run build:native');
    expect(failure('cpu').message).not.toContain('npm install');
  });

  it('on a platform without packages', () => {
    const { message } = failure('cpu', { platform: 'freebsd', libc: null });
    expect(message).toContain('freebsd-x64');
    expect(message).toContain('no package for this platform');
  });

  it('a package of another version is not loaded', () => {
    install(X64, addon(), { version: '1.2.2' });
    expect(failure('cpu').message).toMatch(/version 1\.2\.2 is installed, but 1\.2\.3/);
  });

  it.each([
    ["/lib/libm.so.6: version `GLIBC_2.38' not found (required by a.node)", /older than 2\.38/],
    ['Error loading shared library ld-linux-x86-64.so.2', /another platform or C library/],
    ['Cannot load native addon because loading addons is disabled.', /add --allow-addons/],
  ])('the loader’s text is kept and explained: %s', (text, explanation) => {
    install(X64, text);
    const { message } = failure('cpu');
    expect(message).toContain(text);
    expect(message).toMatch(explanation);
  });
});

describe('a backend that cannot be had', () => {
  it.each(['cuda', 'vulkan', 'metal'] as const)('its package is missing: %s', (backend) => {
    install(X64, addon());
    const error = failure(backend);
    expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE', backend, missing: 'package' });
    for (const name of packagesFor(backend, machine()))
      expect(error.message).toContain(`npm install ${name}@${VERSION}`);
  });

  it('a build made here has another backend', () => {
    compileHere(addon('Vulkan'));
    const error = failure('cuda');
    expect(error.missing).toBe('package');
    expect(error.message).toContain('compiled without cuda');
    expect(error.message).toContain('npm run build:native -- --cuda');
  });

  it.each([
    ['its addon does not load', 'libcuda.so.1: cannot open shared object file'],
    ['its addon loads', withoutDevice('CUDA')],
  ])('the driver is missing, %s', (_, loads) => {
    install(`${X64}-cuda`, loads);
    const error = failure('cuda', { hasLibrary: (name) => name !== 'libcuda.so.1' });
    expect(error.missing).toBe('driver');
    expect(error.message).toContain('libcuda.so.1 is not on this system');
    if (typeof loads === 'string') expect(error.message).toContain(loads);
  });

  it('the device is missing', () => {
    install(`${X64}-vulkan`, withoutDevice('Vulkan'));
    const error = failure('vulkan');
    expect(error.missing).toBe('device');
    expect(error.message).toContain('finds no device');
  });

  it('a backend that does not name itself without a driver is known by its package', () => {
    install(`${X64}-vulkan`, addon());
    const error = failure('vulkan', { hasLibrary: () => false });
    expect(error.missing).toBe('driver');
  });

  it('a build made here is known by its options', () => {
    const file = compileHere(addon());
    writeFileSync(file.replace('.node', '.json'), JSON.stringify({ options: ['--vulkan'] }));
    expect(failure('vulkan').missing).toBe('device');
    expect(choose('auto').reason).toContain('finds no GPU');
  });

  it('what the backend said when it started is told', () => {
    const quiet = withoutDevice('CUDA');
    const buildInfo = () => ({
      ...quiet.buildInfo(),
      startErrors: 'driver version is insufficient',
    });
    install(`${X64}-cuda`, { ...quiet, buildInfo });
    expect(failure('cuda').message).toContain('driver version is insufficient');
  });

  it('a library of the toolkit is missing', () => {
    install(`${X64}-cuda`, 'libcublas.so.13: cannot open shared object file');
    const error = failure('cuda');
    expect(error.missing).toBe('library');
    expect(error.message).toContain('libcublas.so.13');
    expect(error.message).toContain('cuBLAS');
  });

  it('is no reason for another one', () => {
    compileHere(addon('CUDA'));
    expect(failure('vulkan').code).toBe('ERR_BACKEND_UNAVAILABLE');
  });
});
