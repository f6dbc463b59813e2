/** What abuse may take of the process that bears it, test and payload included: its peak of memory while it lasts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

/** The largest body that a server takes, unless it is told otherwise. */
export const MAX_BODY_BYTES = 2 ** 26;

/** @throws what `work` does, and where more memory was taken than the largest body has: the abuse of the tests is smaller by far */
export async function bounded<T>(work: () => Promise<T>): Promise<T> {
  const growth = watchPeak();
  try {
    return await work();
  } finally {
    expect(growth(), 'bytes of memory').toBeLessThan(MAX_BODY_BYTES);
  }
}

/** @returns by how much memory has peaked since, in bytes; elsewhere than on Linux beyond the highest peak before */
function watchPeak(): () => number {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    const before = linuxPeak();
    return () => linuxPeak() - before;
  } catch {
    const peak = () => process.resourceUsage().maxRSS * 1024;
    const before = peak();
    return () => peak() - before;
  }
}

function linuxPeak(): number {
  const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return Number(kib) * 1024;
}
