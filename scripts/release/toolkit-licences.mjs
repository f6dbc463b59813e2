/**
 * What a GPU's toolkit brings into the addon beside our own code, with versions and licences as the toolkit's headers on this
 * machine state them. CUDA: its runtime, linked statically, and the templates of CUB. Vulkan: C++ bindings and SPIR-V's header.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from '../build/failure.mjs';

const OWN_LICENCE = fileURLToPath(new URL('../../LICENSE', import.meta.url));

/**
 * @param {string} backend
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ name: string, version: string, licence: string, text: string }[]} none for a backend without a toolkit
 * @throws Failure naming the header that is missing
 */
export function toolkitLicences(backend, env = process.env) {
  if (backend === 'cuda') return cudaLicences(cudaFolders(env));
  if (backend === 'vulkan') return vulkanLicences(vulkanFolders(env));
  return [];
}

function cudaFolders({ CUDA_PATH, CUDA_HOME }) {
  const homes = [CUDA_PATH, CUDA_HOME, '/usr/local/cuda'].filter(Boolean);
  return homes.flatMap((home) => ['include/cccl', 'include'].map((part) => path.join(home, part)));
}

function vulkanFolders({ VULKAN_SDK }) {
  const own = ['include', 'Include'].map((part) => VULKAN_SDK && path.join(VULKAN_SDK, part));
  return [...own, '/usr/include'].filter(Boolean);
}

function cudaLicences(folders) {
  const [runtime = 0] = numbers(header(folders, 'cuda_runtime_api.h'), /CUDART_VERSION\s+(\d+)/);
  const version = `${Math.floor(runtime / 1000)}.${Math.floor(runtime / 10) % 100}`;
  const [cub = 0] = numbers(header(folders, 'cub/version.cuh'), /CUB_VERSION\s+(\d+)/);
  const cubVersion = [cub / 100_000, (cub / 100) % 1000, cub % 100].map(Math.floor).join('.');
  return [
    {
      ...{ name: 'CUDA runtime', version, licence: 'NVIDIA CUDA Toolkit EULA' },
      text:
        `The CUDA runtime (cudart) of NVIDIA's CUDA Toolkit ${version} is linked into the addon. It is distributed under that\n` +
        "toolkit's End User License Agreement, whose text is not repeated here but published by NVIDIA at\n" +
        `https://docs.nvidia.com/cuda/archive/${version}.0/eula/index.html\n` +
        'cuBLAS and the driver are not in this package.',
    },
    {
      ...{ name: 'CUB', version: cubVersion, licence: 'BSD-3-Clause' },
      text: firstComment(header(folders, 'cub/cub.cuh')),
    },
  ];
}

function vulkanLicences(folders) {
  const core = header(folders, 'vulkan/vulkan_core.h');
  const [major, minor] = numbers(core, /VERSION_COMPLETE VK_MAKE_API_VERSION\(0, (\d+), (\d+),/);
  const [patch] = numbers(core, /VK_HEADER_VERSION (\d+)/);
  const notice = (name) => withTerms(firstComment(header(folders, name)));
  return [
    {
      // "Apache-2.0 OR MIT", taken under the second.
      ...{ name: 'Vulkan-Headers and Vulkan-Hpp', version: `${major}.${minor}.${patch}` },
      ...{ licence: 'MIT', text: notice('vulkan/vulkan.hpp') },
    },
    {
      ...{ name: 'SPIRV-Headers', version: '', licence: 'MIT' },
      text: notice('spirv/unified1/spirv.hpp'),
    },
  ];
}

/** The MIT licence wants its words repeated; headers may only name it. */
function withTerms(notice) {
  const terms = /Permission is hereby granted[\s\S]*/;
  if (terms.test(notice)) return notice;
  return `${notice}\n\n${terms.exec(readFileSync(OWN_LICENCE, 'utf8'))[0]}`;
}

/** The text of a header in the first folder that has it. */
function header(folders, name) {
  const file = folders.map((folder) => path.join(folder, name)).find((one) => existsSync(one));
  if (!file)
    throw new Failure(`A licence is missing: ${name} is in none of ${folders.join(', ')}.`);
  return readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
}

function numbers(text, pattern) {
  const found = pattern.exec(text);
  if (!found) throw new Failure(`A header of the toolkit has no ${pattern.source}.`);
  return found.slice(1).map(Number);
}

/** What the first comment says, without the marks of comments. */
export function firstComment(source) {
  return plain(/\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n?)+/m.exec(source)?.[0] ?? '');
}

/** A comment without its marks. */
export function plain(comment) {
  const lines = comment.split('\n').map((line) => line.replace(/^\s*(\/\/+|\/\*+|\*+\/?)?\s?/, ''));
  return lines
    .join('\n')
    .replace(/\*\/\s*$/, '')
    .trim();
}
