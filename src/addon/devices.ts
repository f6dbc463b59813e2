/** What there is to compute on, for those who choose `devices`, `mainDevice` and `tensorSplit`. */

import type { NativeDevice } from '../binding.js';
import { checkChoice } from '../option-checks.js';
import { BACKEND_CHOICES, type BackendChoice } from './backend.js';
import { backendFor } from './load-addon.js';

/** As ggml tells of it; memory in bytes. */
export type Device = NativeDevice;

/** The devices of the addon that a load with this backend would take, the CPU among them.
 *  @throws ERR_INVALID_ARGUMENT, ERR_BINDING_NOT_FOUND, ERR_BACKEND_UNAVAILABLE */
export function devices(backend?: BackendChoice): Device[] {
  const choice = checkChoice('backend', backend, {
    of: BACKEND_CHOICES,
    fallback: 'auto' as const,
  });
  return backendFor(choice).binding.devices();
}
