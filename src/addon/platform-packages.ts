/**
 * The packages that carry the compiled addon, one for each kind of machine: @llava-onevision/<platform>-<arch>[-musl],
 * and for GPUs the same with -cuda (CUDA 13), -cuda12 or -vulkan. On macOS the plain package has Metal. scripts/ packs and
 * publishes this list; native-binding.ts finds its members.
 */
export const GPU_BACKENDS = ['cuda', 'vulkan', 'metal'] as const;
export type GpuBackend = (typeof GPU_BACKENDS)[number];
export type Backend = 'cpu' | GpuBackend;

export const SCOPE = '@llava-onevision';

export interface Platform {
  /** As process.platform and process.arch. */
  platform: string;
  arch: string;
  /** Null where a platform has only one C library. */
  libc: 'glibc' | 'musl' | null;
}

/** Installed by themselves, as optional dependencies of the main package. */
export const CPU_PACKAGES = [
  'linux-x64',
  'linux-arm64',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-arm64',
  'darwin-x64',
  'win32-x64',
  'win32-arm64',
] as const;

/** Installed by who wants them. */
export const GPU_PACKAGES = [
  'linux-x64-cuda',
  'linux-x64-cuda12',
  'linux-x64-vulkan',
  'win32-x64-cuda',
  'win32-x64-cuda12',
  'win32-x64-vulkan',
] as const;

export function thisPlatform(): Platform {
  const { platform, arch } = process;
  return { platform, arch, libc: platform === 'linux' ? linuxLibc() : null };
}

/** The version of glibc that Node runs on; undefined elsewhere. */
export function glibcVersion(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  // The list of network interfaces, which is not asked for, can take seconds.
  const { report } = process as { report: NodeJS.ProcessReport & { excludeNetwork?: boolean } };
  const { excludeNetwork } = report;
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  report.excludeNetwork = excludeNetwork;
  return header?.glibcVersionRuntime;
}

let knownLibc: 'glibc' | 'musl' | undefined;

/** Asked once: a report takes some 50 ms. */
function linuxLibc(): 'glibc' | 'musl' {
  knownLibc ??= glibcVersion() === undefined ? 'musl' : 'glibc';
  return knownLibc;
}

/** "linux-x64-musl": what packages of a platform are called before their backend. */
export function platformName({ platform, arch, libc }: Platform): string {
  return `${platform}-${arch}${libc === 'musl' ? '-musl' : ''}`;
}

/** Packages that have a backend on a platform, in order of preference; none where there is nothing for it. */
export function packagesFor(backend: Backend, platform: Platform): string[] {
  const name = platformName(platform);
  const suffixes = { cpu: [''], metal: [''], cuda: ['-cuda', '-cuda12'], vulkan: ['-vulkan'] };
  if (backend === 'metal' && platform.platform !== 'darwin') return [];
  const all: readonly string[] = [...CPU_PACKAGES, ...GPU_PACKAGES];
  return suffixes[backend]
    .map((suffix) => name + suffix)
    .filter((one) => all.includes(one))
    .map((one) => `${SCOPE}/${one}`);
}
