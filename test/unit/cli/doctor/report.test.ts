import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { examineGpus, parseFeatures } from '../../../../src/cli/doctor/report.js';
import {
  addon,
  buildsOf,
  compileHere,
  install,
  machine,
  withoutDevice,
  X64,
} from '../../../support/fake-machine.js';

test('CPU features are those that are on', () => {
  const info = 'CPU : SSE3 = 1 | AVX512 = 0 | SVE_CNT = 32 | CUDA : ARCHS = 900 | REPACK = 1 | ';
  expect(parseFeatures(info)).toEqual(['SSE3', 'SVE_CNT=32', 'ARCHS=900', 'REPACK']);
});

const names = (changes: Parameters<typeof machine>[0] = {}) =>
  examineGpus(machine(changes)).map(({ name }) => name);

test('GPUs are those that the platform has packages for', () => {
  expect(names()).toEqual(['cuda', 'vulkan']);
  expect(names({ arch: 'arm64' })).toEqual([]);
  expect(names({ platform: 'darwin', arch: 'arm64', libc: null })).toEqual(['metal']);
});

test.each([
  ['arm64', { arch: 'arm64' }],
  ['musl', { libc: 'musl' as const }],
])('GPUs are also those that were compiled here: %s', (_, changes) => {
  const file = compileHere(addon('CUDA'));
  expect(examineGpus(machine(changes))).toMatchObject([{ name: 'cuda', isUsable: true, file }]);
  writeFileSync(file.replace('.node', '.json'), JSON.stringify({ options: ['--vulkan'] }));
  compileHere(withoutDevice('CUDA'));
  expect(names(changes)).toEqual(['cuda', 'vulkan']);
  compileHere('libcublas.so.13: cannot open shared object file');
  expect(names(changes)).toEqual(['vulkan']);
});

test('what is wrong with a package is told', () => {
  const home = install(`${X64}-cuda`, addon('CUDA'));
  writeFileSync(`${buildsOf(home)}/variants.json`, '[');
  const [cuda] = examineGpus(machine());
  expect(cuda).toMatchObject({ isUsable: false, file: null });
  expect(cuda?.problems.join()).toContain('variants.json cannot be read');
});

test('an addon that fails when it is asked does not end the report', () => {
  const devices = () => {
    throw new Error('lost the device');
  };
  install(`${X64}-cuda`, { ...addon('CUDA'), devices });
  expect(examineGpus(machine())).toMatchObject([
    { name: 'cuda', isUsable: false, problems: ['lost the device'] },
    { name: 'vulkan' },
  ]);
});
