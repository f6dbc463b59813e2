/** As much of llama.cpp's sources and of GPU toolkits as the scripts that gather licences read. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

function write(folder: string, files: Record<string, string>) {
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** @returns folder */
export function writeLlamaTree(folder: string): string {
  write(folder, {
    LICENSE: 'MIT, the authors',
    'include/llama.h': '',
    'src/a.cpp': '// Copyright 2020 A\n// MIT licensed\n\nint a;\n',
    'ggml/include/ggml-sycl.h': '// Copyright 2020 S\n',
    'ggml/src/b.c': '/* Copyright (c) 2020 B */\n// nothing of interest\n',
    'ggml/src/ggml-cpu/c.cpp': '// Copyright 2020 A\n// MIT licensed\n',
    'ggml/src/ggml-cuda/d.cu': '// Copyright 2020 D\n',
    'ggml/src/ggml-vulkan/e.cpp': '',
    'ggml/src/ggml-metal/f.m': '',
  });
  return folder;
}

/** @returns the variables that name them */
export function writeToolkits(folder: string): Record<'CUDA_PATH' | 'VULKAN_SDK', string> {
  write(folder, {
    'cuda/include/cuda_runtime_api.h': '#define CUDART_VERSION  13010\n',
    'cuda/include/cccl/cub/version.cuh': '#define CUB_VERSION 300103 // macro expansion\n',
    'cuda/include/cccl/cub/cub.cuh':
      '/****\n * Copyright (c) 2011, Duane Merrill.\n *\n * Redistribution and use\n ****/\n\n/** file */\n',
    'vulkan/include/vulkan/vulkan_core.h':
      '#define VK_HEADER_VERSION 321\n' +
      '#define VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION(0, 1, 4, VK_HEADER_VERSION)\n',
    'vulkan/include/vulkan/vulkan.hpp':
      '// Copyright 2015 The Khronos Group Inc.\n//\n// SPDX-License-Identifier: Apache-2.0 OR MIT\n\n#ifndef V\n',
    'vulkan/include/spirv/unified1/spirv.hpp':
      '// Copyright (c) 2014 The Khronos Group Inc.\n//\n// Permission is hereby granted, by Khronos\n\n#ifndef S\n',
  });
  return { CUDA_PATH: join(folder, 'cuda'), VULKAN_SDK: join(folder, 'vulkan') };
}
