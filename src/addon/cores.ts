/** How many threads are worth starting here, and how many may run at a time: by cores, affinity and time limits. */
import os from 'node:os';
import type { NativeBinding } from '../binding.js';
import { groupLimits } from './cgroup.js';

/** Physical cores, or fewer whole ones where a time limit gives less: threads wait for each other, so that one that is held
 *  up holds up all. */
export function defaultThreads(binding: Pick<NativeBinding, 'physicalCores'>): number {
  const { cpus } = groupLimits();
  return Math.max(1, Math.min(binding.physicalCores(), Math.floor(cpus)));
}

/** More of them only wait for each other. */
export function mostThreads(): number {
  return Math.min(os.availableParallelism(), Math.ceil(groupLimits().cpus));
}
