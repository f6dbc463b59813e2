/** Plans of a load for files and a machine that are none. */

import type { NativeDevice } from '../../src/binding.js';
import { type LoadOptions, resolveLoadOptions } from '../../src/load/load-options.js';
import { planLoad } from '../../src/load/load-plan.js';
import { type FakeBindingOptions, fakeAddon, fakeBinding } from './fake-binding.js';
import { fakeFiles } from './fake-model.js';

export function plan(
  options: Partial<LoadOptions> = {},
  fake: FakeBindingOptions & { rpcDevices?: NativeDevice[] } = {},
) {
  const settings = resolveLoadOptions({ model: 'model.gguf', ...options });
  const addon = fakeAddon(fakeBinding(fake), fake.backend);
  return planLoad(fakeFiles(), settings, { ...addon, rpcDevices: fake.rpcDevices ?? [] });
}

export const GPU = {
  ...{ name: 'GPU0', description: '', backend: 'CUDA', type: 'gpu' as const },
  ...{ memoryFree: 2 ** 36, memoryTotal: 2 ** 36 },
};
