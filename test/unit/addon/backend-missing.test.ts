/** What is said where an addon, or a GPU backend, cannot be had. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { packagesFor } from '../../../src/addon/platform-packages.js';
import {
  addon,
  buildsOf,
  choose,
  compileHere,
  failure,
  folder,
  install,
  machine,
  put,
  VERSION,
  withoutDevice,
  X64,
} from '../../support/fake-machine.js';

describe('a package that is incomplete', () => {
  const home = () => path.join(folder, 'node_modules', X64);
  it.each([
    ['package.json', '{ "name": "@llava', /package\.json cannot be read/],
    ['package.json', undefined, /package\.json is not there/],
    ['variants.json', '[{ "file"', /variants\.json cannot be read/],
    ['variants.json', 'null', /variants\.json cannot be read: it holds null/],
    ['variants.json', '[{ "file": "a.node" }]', /variants\.json is not a list of builds/],
    ['variants.json', '[]', /variants\.json is not a list of builds/],
    ['variants.json', undefined, /variants\.json is not there/],
    ['cpu-features.node', undefined, /cpu-features\.node is not there/],
    ['llava-onevision.x64-v3.node', undefined, /x64-v3\.node is not there/],
  ])('%s: %s', (file, text, message) => {
    install(X64, addon());
    const place = path.join(file === 'package.json' ? home() : buildsOf(home()), file);
    if (text === undefined) rmSync(place);
    else writeFileSync(place, text);
    const root = path.join(folder, 'node_modules/llava-onevision');
    const error = failure('cpu', { root });
    expect(error.code).toBe('ERR_BINDING_NOT_FOUND');
    expect(error.message).toMatch(message);
    expect(error.message).toContain(`npm install ${X64}@${VERSION}`);
  });

  it('the note beside a build made here is left aside when it cannot be read', () => {
    const file = compileHere(addon());
    writeFileSync(file.replace('.node', '.json'), '{ "options": ["--cu');
    expect(choose('auto').reason).toContain('without a GPU backend');
    expect(failure('cuda').missing).toBe('package');
  });

  it('an addon of something else is refused', () => {
    const file = path.join(folder, 'sharp.node');
    put(file, { decode: () => {} });
    const env = { LLAVAOV_BINDING: file };
    expect(failure('cpu', { env }).message).toMatch(/is not an addon of llava-onevision/);
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

  it('the driver is too old', () => {
    const buildInfo = () => ({
      backends: ['CPU', 'CUDA'],
      startErrors: 'CUDA driver version is insufficient for CUDA runtime version',
    });
    install(`${X64}-cuda`, { ...addon(), buildInfo });
    const error = failure('cuda');
    expect(error.missing).toBe('driver');
    expect(error.message).toContain('the driver is too old');
    expect(error.message).toContain('580 or later');
  });

  it('a build made here for the CPU that does not load is not what is missing', () => {
    const file = compileHere("version `GLIBC_2.38' not found");
    writeFileSync(file.replace('.node', '.json'), JSON.stringify({ options: [] }));
    const error = failure('cuda');
    expect(error.missing).toBe('package');
    expect(error.message).toContain(`npm install ${X64}-cuda@${VERSION}`);
    expect(error.message).not.toContain('cuBLAS');
    writeFileSync(file.replace('.node', '.json'), JSON.stringify({ options: ['--cuda'] }));
    expect(failure('cuda').missing).toBe('library');
    expect(failure('cuda').message).not.toContain('cuBLAS');
  });

  it('LLAVAOV_BINDING names an addon without it, and no package would help', () => {
    const file = path.join(folder, 'other.node');
    put(file, addon());
    const error = failure('cuda', { env: { LLAVAOV_BINDING: file } });
    expect(error.missing).toBe('package');
    expect(error.message).toContain('LLAVAOV_BINDING names no addon that has it');
    expect(error.message).toContain('another addon in LLAVAOV_BINDING, or none');
    expect(error.message).not.toContain('npm install');
  });

  it('cuBLAS is asked for besides the driver where both are missing', () => {
    install(`${X64}-cuda`, 'libcublas.so.13: cannot open shared object file');
    const error = failure('cuda', { hasLibrary: () => false });
    expect(error.missing).toBe('driver');
    expect(error.message).toMatch(/580 or later[\s\S]*Also cuBLAS/);
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
