/** Limits of control groups, read from trees such as kernels and container engines make them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { groupLimits } from '../../../src/addon/cgroup.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'llavaov-cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const NONE = { cpus: Infinity, memory: Infinity };
const V2 = '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n';
const V1 = `32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:4 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
38 31 0:35 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,xattr,name=systemd
`;

/** @param files below /sys/fs/cgroup */
function machine(groups: string, mounts: string, files: Record<string, string | number>) {
  const all = Object.entries(files).map(([name, text]) => [`sys/fs/cgroup/${name}`, `${text}\n`]);
  all.push(['proc/self/cgroup', groups], ['proc/self/mountinfo', mounts]);
  for (const [name, text] of all) {
    mkdirSync(path.dirname(path.join(root, name!)), { recursive: true });
    writeFileSync(path.join(root, name!), text!);
  }
}

describe('version 2', () => {
  const own = '0::/system.slice/app.service/worker\n';

  test('the group of the process', () => {
    machine(own, V2, {
      'cpu.max': 'max 100000',
      'system.slice/app.service/worker/cpu.max': '150000 100000',
      'system.slice/app.service/worker/memory.max': 2 ** 30,
    });
    expect(groupLimits(root)).toEqual({ cpus: 1.5, memory: 2 ** 30 });
  });

  test.each([
    ['', 3, 3e9],
    ['system.slice/', 2, 2e9],
    ['system.slice/app.service/', 1, 1e9],
  ])('a group above it, %s, when that has less', (folder, cpus, memory) => {
    machine(own, V2, {
      'system.slice/app.service/worker/cpu.max': '400000 100000',
      'system.slice/app.service/worker/memory.max': 4e9,
      [`${folder}cpu.max`]: `${cpus * 100000} 100000`,
      [`${folder}memory.max`]: memory,
    });
    expect(groupLimits(root)).toEqual({ cpus, memory });
  });

  test('no group beside it', () => {
    machine(own, V2, {
      'system.slice/other/cpu.max': '100000 100000',
      'system.slice/app.service/worker/below/memory.max': 1000,
      'system.slice/app.service/worker/cpu.max': 'max 100000',
      'system.slice/app.service/worker/memory.max': 'max',
    });
    expect(groupLimits(root)).toEqual(NONE);
  });

  test('in a container that sees only its own part', () => {
    machine('0::/\n', V2, { 'cpu.max': '50000 100000', 'memory.max': 5e8 });
    expect(groupLimits(root)).toEqual({ cpus: 0.5, memory: 5e8 });
  });

  test('of a process that was moved out of the part that is seen', () => {
    machine('0::/../other\n', V2, {
      'cpu.max': '200000 100000',
      'other/cpu.max': '100000 100000',
    });
    expect(groupLimits(root)).toEqual({ ...NONE, cpus: 2 });
  });
});

describe('version 1', () => {
  test('each hierarchy has its own group', () => {
    machine('9:name=systemd:/s\n4:memory:/m/n\n1:cpuacct,cpu:/c\n', V1, {
      'cpu,cpuacct/cpu.cfs_quota_us': -1,
      'cpu,cpuacct/cpu.cfs_period_us': 100000,
      'cpu,cpuacct/c/cpu.cfs_quota_us': 250000,
      'cpu,cpuacct/c/cpu.cfs_period_us': 100000,
      'cpu,cpuacct/m/n/cpu.cfs_quota_us': 1000,
      'memory/memory.limit_in_bytes': '9223372036854771712',
      'memory/m/memory.limit_in_bytes': 3e9,
      'memory/m/n/memory.limit_in_bytes': 6e9,
      'memory/c/memory.limit_in_bytes': 10,
    });
    expect(groupLimits(root)).toEqual({ cpus: 2.5, memory: 3e9 });
  });

  test('no limit', () => {
    machine('4:memory:/\n1:cpu,cpuacct:/\n', V1, {
      'cpu,cpuacct/cpu.cfs_quota_us': -1,
      'cpu,cpuacct/cpu.cfs_period_us': 100000,
      'memory/memory.limit_in_bytes': '9223372036854771712',
    });
    expect(groupLimits(root)).toEqual(NONE);
  });

  test('a container whose part of the tree is mounted under the name it has outside', () => {
    const mounts =
      '40 31 0:32 /docker/1a /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n' +
      '41 31 0:29 /docker/1a /sys/fs/cgroup/the\\040cpu ro - cgroup cgroup rw,cpu\n';
    machine('4:memory:/docker/1a/job\n1:cpu:/docker/1a\n', mounts, {
      'memory/memory.limit_in_bytes': 4e9,
      'memory/job/memory.limit_in_bytes': 1e9,
      'the cpu/cpu.cfs_quota_us': 100000,
      'the cpu/cpu.cfs_period_us': 50000,
    });
    expect(groupLimits(root)).toEqual({ cpus: 2, memory: 1e9 });
  });
});

test('both versions at a time', () => {
  const mounts = `${V1}44 31 0:40 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`;
  machine('4:memory:/m\n0::/u\n', mounts, {
    'memory/m/memory.limit_in_bytes': 2e9,
    'unified/u/cpu.max': '100000 100000',
    'unified/u/memory.max': 3e9,
  });
  expect(groupLimits(root)).toEqual({ cpus: 1, memory: 2e9 });
});

test('nothing to read limits nothing', () => {
  expect(groupLimits(root)).toEqual(NONE);
  machine('junk\n1:cpu\n', 'junk - \n - cgroup2\n', {});
  expect(groupLimits(root)).toEqual(NONE);
  machine('0::/\n', V2, { 'cpu.max': '', 'memory.max': 'junk' });
  expect(groupLimits(root)).toEqual(NONE);
});
