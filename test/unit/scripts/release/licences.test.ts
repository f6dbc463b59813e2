/** What is told of everything inside the packages: licences, and the list of components. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { PIN } from '../../../../scripts/build/llama-source.mjs';
import { licenceFile, licences } from '../../../../scripts/release/licences.mjs';
import { npmSbom, sbomOf } from '../../../../scripts/release/sbom.mjs';
import { toolkitLicences } from '../../../../scripts/release/toolkit-licences.mjs';
import { writeLlamaTree, writeToolkits } from '../../../support/toolkits.js';

const folder = mkdtempSync(join(tmpdir(), 'llavaov-licences-'));
afterAll(() => rmSync(folder, { recursive: true }));
const tree = writeLlamaTree(join(folder, 'llama'));
const toolkits = writeToolkits(join(folder, 'toolkits'));

describe('the licences', () => {
  test('are those of sources that are compiled in, each once', () => {
    vi.stubEnv('CUDA_PATH', toolkits.CUDA_PATH);
    const names = (backend?: string) => licences({ backend, tree }).map(({ name }) => name);
    expect(names()).toEqual([
      ...['llava-onevision', 'llama.cpp and ggml', 'src/a.cpp, ggml/src/ggml-cpu/c.cpp'],
      ...['ggml/src/b.c', 'node-addon-api', 'node-api-headers'],
    ]);
    expect(names('cuda').filter((name) => !names().includes(name))).toEqual([
      ...['ggml/src/ggml-cuda/d.cu', 'CUDA runtime', 'CUB'],
    ]);
    expect(licenceFile({ tree })).toContain('Copyright 2020 A\nMIT licensed');
    vi.unstubAllEnvs();
  });

  test("CUDA's are those of the toolkit at hand", () => {
    const [runtime, cub] = toolkitLicences('cuda', toolkits);
    expect(runtime).toMatchObject({ version: '13.1', licence: 'NVIDIA CUDA Toolkit EULA' });
    expect(runtime?.text).toContain('https://docs.nvidia.com/cuda/archive/13.1.0/eula/index.html');
    expect(cub).toMatchObject({ version: '3.1.3', licence: 'BSD-3-Clause' });
    expect(cub?.text).toMatch(/^Copyright \(c\) 2011, Duane Merrill\.\n\nRedistribution and use/);
  });

  test("Vulkan's headers come with the words of the MIT licence", () => {
    const [headers, spirv] = toolkitLicences('vulkan', toolkits);
    expect(headers).toMatchObject({ version: '1.4.321', licence: 'MIT' });
    expect(headers?.text).toMatch(
      /^Copyright 2015 The Khronos Group Inc\.[\s\S]*Permission is hereby granted, free of charge/,
    );
    expect(spirv?.text).toMatch(/by Khronos$/);
  });

  test('that are missing are an error', () => {
    expect(() => licences({ tree: join(folder, 'absent') })).toThrow('LICENSE does not exist');
    expect(() => licences({ tree, backend: 'opencl' })).toThrow('opencl');
    const empty = { CUDA_PATH: folder, CUDA_HOME: folder, VULKAN_SDK: folder };
    const place = /is in none of .*llavaov-licences/;
    // A toolkit may be installed here.
    for (const backend of ['cuda', 'vulkan'])
      try {
        expect(toolkitLicences(backend, empty)).not.toEqual([]);
      } catch (error) {
        expect((error as Error).message).toMatch(place);
      }
  });
});

describe('the list of components', () => {
  const document = {
    metadata: { component: { 'bom-ref': 'llava-onevision@1.0.0' } },
    components: [{ 'bom-ref': 'sharp@1.0.0' }],
    dependencies: [{ ref: 'llava-onevision@1.0.0', dependsOn: ['sharp@1.0.0'] }],
  };
  const notes = ['cuda', 'cuda12', 'vulkan'].map((backend) => {
    const toolkit = toolkitLicences(backend.replace('cuda12', 'cuda'), toolkits);
    return { name: `linux-x64-${backend}`, toolkit };
  });

  test('has llama.cpp, and what toolkits add to which package', () => {
    const { components, dependencies } = sbomOf(document, { notes, tree });
    const by = (ref: string) =>
      components.find((one: object) => Reflect.get(one, 'bom-ref') === ref);
    expect(by('sharp@1.0.0')).toBeDefined();
    expect(by(`llama.cpp@${PIN.tag}`)).toMatchObject({
      ...{ name: 'llama.cpp', version: PIN.tag, licenses: [{ license: { id: 'MIT' } }] },
      evidence: { copyright: expect.arrayContaining([{ text: 'Copyright 2020 A' }]) },
      pedigree: {
        patches: [{ diff: { url: 'scripts/build/patches/waiting-threads.patch' } }],
      },
    });
    expect(by('CUDA runtime@13.1')).toMatchObject({
      licenses: [{ license: { name: 'NVIDIA CUDA Toolkit EULA' } }],
      properties: ['cuda', 'cuda12'].map((backend) => ({
        ...{ name: 'llava-onevision:in', value: `@llava-onevision/linux-x64-${backend}` },
      })),
    });
    expect(by('CUB@3.1.3').licenses).toEqual([{ license: { id: 'BSD-3-Clause' } }]);
    expect(by('Vulkan-Headers and Vulkan-Hpp@1.4.321')).toBeDefined();
    const [own] = dependencies;
    expect(own.dependsOn).toEqual(components.map((one: object) => Reflect.get(one, 'bom-ref')));
    expect(dependencies.map(({ ref }: { ref: string }) => ref)).toContain('CUDA runtime@13.1');
  });

  test("is npm's own besides", () => {
    const { components } = sbomOf(npmSbom(), { tree });
    const names = components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['sharp', 'commander', 'llama.cpp']));
    expect(names).not.toContain('vitest');
  }, 60_000);
});
