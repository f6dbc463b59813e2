/** Which addon is chosen, and why, on machines that are made up. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/addon/find-addon.js';
import {
  addon,
  buildsOf,
  choose,
  compileHere,
  failure,
  files,
  folder,
  install,
  put,
  V2,
  V3,
  V4,
  withoutDevice,
  X64,
} from '../../support/fake-machine.js';

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
      ...{
        package: null,
        variant: 'x64-v3',
        file: path.join(buildsOf(home), 'llava-onevision.x64-v3.node'),
      },
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

  it.each<[string, (home: string) => Partial<Machine>, RegExp]>([
    [
      'another version',
      (home) => {
        writeFileSync(path.join(home, 'package.json'), '{ "version": "1.2.2" }');
        return {};
      },
      /version 1\.2\.2 is installed/,
    ],
    [
      'no list of builds',
      (home) => {
        rmSync(path.join(buildsOf(home), 'variants.json'));
        return {};
      },
      /variants\.json is not there/,
    ],
    [
      'a CPU that is too old',
      (home) => {
        files.set(path.join(buildsOf(home), 'cpu-features.node'), { features: () => V2 });
        return {};
      },
      /none of its builds runs on this CPU/,
    ],
    [
      'LLAVAOV_CPU_VARIANT for the CPU package',
      () => ({ env: { LLAVAOV_CPU_VARIANT: 'x64-v2' } }),
      /LLAVAOV_CPU_VARIANT is x64-v2, but its builds are x64-v3/,
    ],
  ])('auto says so of a GPU package that is installed but not usable: %s', (_, breakIt, text) => {
    install(X64, addon());
    const changes = breakIt(install(`${X64}-cuda`, addon('CUDA')));
    const { name, reason } = choose('auto', changes);
    expect(name).toBe('cpu');
    expect(reason).toMatch(text);
    expect(reason.split(`${X64}-cuda:`)).toHaveLength(2);
    expect(reason).not.toContain('not installed');
    expect(failure('cuda', changes)).toMatchObject({
      ...{ missing: 'package', message: expect.stringContaining('is here, but cannot be used') },
    });
  });

  it('a build made here that does not load is told of once', () => {
    install(X64, addon());
    compileHere('libcuda.so.1: cannot open shared object file');
    expect(choose('auto').reason.split('libcuda.so.1')).toHaveLength(2);
    rmSync(path.join(folder, 'node_modules'), { recursive: true });
    expect(failure('auto').message.split('libcuda.so.1')).toHaveLength(2);
  });

  it('auto says so of a GPU package that a build made here hides', () => {
    install(`${X64}-cuda`, addon('CUDA'));
    compileHere(addon());
    expect(choose('auto')).toMatchObject({
      ...{ name: 'cpu', reason: expect.stringContaining(`${X64}-cuda is installed`) },
    });
    expect(choose('cuda').package).toBe(`${X64}-cuda`);
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
    files.set(path.join(buildsOf(home), 'cpu-features.node'), { features: () => features });
  };

  it.each([
    [V4, 'x64-v4'],
    [[...V3, 'avx512f'], 'x64-v3'],
    [V2, 'x64-v2'],
  ])('%j', (features, variant) => {
    withFeatures(...features);
    expect(choose('cpu').variant).toBe(variant);
  });

  it('is missing on a CPU that is too old, which installing again does not help', () => {
    withFeatures('ssse3');
    const root = path.join(folder, 'node_modules/llava-onevision');
    const { message } = failure('cpu', { root });
    expect(message).toContain(`${X64}: none of its builds runs on this CPU`);
    expect(message).not.toContain('npm install');
    expect(message).toContain('npx llava-onevision build');
  });

  it('where the CPU cannot be asked, what the loader says of the probe is told', () => {
    for (const name of [X64, `${X64}-cuda`]) {
      const home = install(name, addon('CUDA'));
      files.set(
        path.join(buildsOf(home), 'cpu-features.node'),
        `ld-musl-x86_64.so.1: not found for ${name}`,
      );
    }
    const { message } = failure('cpu');
    expect(message).toContain(`${X64}: ld-musl-x86_64.so.1: not found for ${X64}`);
    expect(message).toContain('another platform or C library');
    expect(message).not.toContain('this CPU');
    expect(failure('cuda')).toMatchObject({
      ...{ missing: 'library', message: expect.stringContaining(`not found for ${X64}-cuda`) },
    });
  });

  it('can be named', () => {
    withFeatures();
    expect(choose('cpu', { env: { LLAVAOV_CPU_VARIANT: 'x64-v4' } }).variant).toBe('x64-v4');
    const { message } = failure('cpu', { env: { LLAVAOV_CPU_VARIANT: 'x65' } });
    expect(message).toContain('LLAVAOV_CPU_VARIANT is x65');
    expect(message).toContain('x64-v3-vnni, x64-v3, x64-v2');
  });
});
