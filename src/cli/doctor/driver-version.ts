/** Versions of GPU drivers, as their own tools tell them; a tool that is not there tells nothing. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { GpuBackend } from '../../addon/platform-packages.js';

export interface DriverReport {
  /** Whether the driver's library is on the system. */
  isThere: boolean;
  version: string | null;
}

export function driverVersion(backend: GpuBackend): Pick<DriverReport, 'version'> {
  if (backend === 'cuda') return { version: nvidiaVersion() };
  if (backend === 'vulkan') return { version: vulkanVersion(output('vulkaninfo', ['--summary'])) };
  return { version: null };
}

function nvidiaVersion(): string | null {
  const told = output('nvidia-smi', ['--query-gpu=driver_version', '--format=csv,noheader']);
  const [first] = told.trim().split('\n');
  if (first && /^[\d.]+$/.test(first)) return first;
  try {
    return kernelModuleVersion(readFileSync('/proc/driver/nvidia/version', 'utf8'));
  } catch {
    return null;
  }
}

/** "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue …" */
export function kernelModuleVersion(text: string): string | null {
  return /Kernel Module(?: for \S+)?\s+([\d.]+)/.exec(text)?.[1] ?? null;
}

/** "driverName = llvmpipe" and "driverInfo = Mesa 22.3.6" of each device, without repetitions. */
export function vulkanVersion(summary: string): string | null {
  const names = [...summary.matchAll(/driverName\s*= (.*)\n(?:\s*driverInfo\s*= (.*))?/g)];
  const versions = new Set(names.map(([, name, info]) => [name, info].filter(Boolean).join(' ')));
  return versions.size > 0 ? [...versions].join(', ') : null;
}

function output(program: string, args: string[]): string {
  try {
    const { status, stdout } = spawnSync(program, args, {
      encoding: 'utf8',
      timeout: 10_000,
      windowsHide: true,
    });
    return status === 0 ? stdout : '';
  } catch {
    // Node's permission model may forbid it.
    return '';
  }
}
