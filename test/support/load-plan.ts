/** Plans of a load for files and a machine that are none. */
import { type LoadOptions, resolveLoadOptions } from '../../src/load/load-options.js';
import { planLoad } from '../../src/load/load-plan.js';
import { type FakeBindingOptions, fakeAddon, fakeBinding } from './fake-binding.js';
import { fakeFiles } from './fake-model.js';

export function plan(options: Partial<LoadOptions> = {}, fake: FakeBindingOptions = {}) {
  const settings = resolveLoadOptions({ model: 'model.gguf', ...options });
  return planLoad(fakeFiles(), settings, fakeAddon(fakeBinding(fake), fake.backend));
}

export const GPU = {
  ...{ name: 'GPU0', description: '', backend: 'CUDA', type: 'gpu' as const },
  ...{ memoryFree: 2 ** 36, memoryTotal: 2 ** 36 },
};
