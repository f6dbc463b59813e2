/**
 * What the control groups of this process allow it on Linux, where containers and services are confined with them: CPUs by
 * time limit, bytes of memory. Both versions, also side by side; the process's own group and all above it that can be seen,
 * the least of them. Infinity where nothing limits, or nothing can be read.
 *
 * Leaves out the CPUs that the process may run on, which the addon asks the kernel for, and shares, which limit nothing.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface GroupLimits {
  /** Not whole: 1.5 is half of the time of one of two. */
  cpus: number;
  memory: number;
}

/** A hierarchy as it is mounted: the group `root` is the folder `at`. */
interface Mount {
  root: string;
  at: string;
  /** What a hierarchy of version 1 limits; null for version 2, which limits everything. */
  controllers: readonly string[] | null;
}

/** @param root of the file system; another one in tests */
export function groupLimits(root = '/'): GroupLimits {
  const groups = ownGroups(read(root, '/proc/self/cgroup'));
  const mounts = mountsOf(read(root, '/proc/self/mountinfo'));
  const limits: GroupLimits = { cpus: Infinity, memory: Infinity };
  for (const { controllers, group } of groups) {
    const mount = mounts.find((one) =>
      controllers ? one.controllers?.some((name) => controllers.includes(name)) : !one.controllers,
    );
    if (!mount) continue;
    for (const folder of foldersOf(mount, group)) {
      limits.cpus = Math.min(
        limits.cpus,
        cpusOf((file) => read(root, path.join(folder, file))),
      );
      limits.memory = Math.min(
        limits.memory,
        memoryOf((file) => read(root, path.join(folder, file))),
      );
    }
  }
  return limits;
}

type ReadFile = (file: string) => string;

/** Empty where there is none, and where Node may not read it. */
function read(root: string, file: string): string {
  try {
    return readFileSync(path.join(root, file), 'utf8');
  } catch {
    return '';
  }
}

/** Lines such as `4:cpu,cpuacct:/group` of version 1 and `0::/group` of version 2. */
function ownGroups(text: string) {
  return text.split('\n').flatMap((line) => {
    const [, names, group] = /^\d+:([^:]*):(.+)$/.exec(line) ?? [];
    if (names === undefined || group === undefined) return [];
    return [{ controllers: names === '' ? null : names.split(','), group }];
  });
}

/** Lines such as `36 31 0:33 /root /at rw shared:1 - cgroup cgroup rw,cpu`. */
function mountsOf(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, at] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (root === undefined || at === undefined || !/^cgroup2?$/.test(type ?? '')) return [];
    const controllers = type === 'cgroup2' ? null : options.split(',');
    return [{ root: unescaped(root), at: unescaped(at), controllers }];
  });
}

const unescaped = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));

/** From the group's own folder up to the one that is mounted; that alone where the group is not below it. */
function foldersOf({ root, at }: Mount, group: string): string[] {
  const below = path.posix.relative(root, group);
  if (group.startsWith('/..') || below.startsWith('..')) return [at];
  const parts = below.split('/').filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, n) => path.join(at, ...parts.slice(0, n)));
}

function cpusOf(file: ReadFile): number {
  const [quota = '', period = ''] = file('cpu.max').trim().split(' ');
  return Math.min(ratio(quota, period), ratio(file('cpu.cfs_quota_us'), file('cpu.cfs_period_us')));
}

/** No limit is "max" or -1. */
function ratio(quota: string, period: string): number {
  const cpus = Number.parseInt(quota, 10) / Number.parseInt(period, 10);
  return cpus > 0 ? cpus : Infinity;
}

/** No limit is "max", or the largest number of pages. */
function memoryOf(file: ReadFile): number {
  const limits = [file('memory.max'), file('memory.limit_in_bytes')].map((text) =>
    Number.parseInt(text, 10),
  );
  return Math.min(...limits.map((bytes) => (bytes > 0 && bytes < 2 ** 62 ? bytes : Infinity)));
}
