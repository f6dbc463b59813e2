import { expect, test } from 'vitest';
import { kernelModuleVersion, vulkanVersion } from '../../../../src/cli/doctor/driver-version.js';

test("NVIDIA's version is read from its kernel module", () => {
  const line =
    'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024';
  expect(kernelModuleVersion(line)).toBe('550.54.15');
  const open = 'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build';
  expect(kernelModuleVersion(open)).toBe('580.65.06');
  expect(kernelModuleVersion('')).toBeNull();
});

test("Vulkan's drivers are named once each", () => {
  const device = '\tdriverName         = llvmpipe\n\tdriverInfo         = Mesa 22.3.6\n';
  expect(vulkanVersion(`GPU0:\n${device}GPU1:\n${device}`)).toBe('llvmpipe Mesa 22.3.6');
  expect(vulkanVersion('')).toBeNull();
});
