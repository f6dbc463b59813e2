/** What our kernels change in a plan: flash attention, micro batches, memory. */
import { expect, it } from 'vitest';
import { type LoadOptions, resolveLoadOptions } from '../../../src/load/load-options.js';
import { planLoad } from '../../../src/load/load-plan.js';
import { fakeAddon, fakeBinding } from '../../support/fake-binding.js';
import { fakeFiles } from '../../support/fake-model.js';

function plan(options: Partial<LoadOptions>) {
  const settings = resolveLoadOptions({ model: 'model.gguf', ...options });
  return planLoad(fakeFiles(), settings, fakeAddon(fakeBinding({ instructionSet: 'AVX2' })));
}

it.each([
  [{}, { kernels: 'AVX2', flashAttention: 'on', microBatchSize: 512 }],
  [{ kernels: 'ggml' as const }, { kernels: null, flashAttention: 'off', microBatchSize: 128 }],
  // llama.cpp would round it to f16.
  [{ kvType: 'f32' as const }, { kernels: 'AVX2', flashAttention: 'off' }],
  [{ kvType: { k: 'f32', v: 'q8_0' } as const }, { flashAttention: 'on' }],
  [{ flashAttention: 'off' as const }, { kernels: 'AVX2', flashAttention: 'off' }],
])('%j on a CPU that we have kernels for', (options, expected) => {
  expect(plan(options)).toMatchObject(expected);
});

it('counts what they pack', () => {
  const [ours, theirs] = (['auto', 'ggml'] as const).map((kernels) =>
    plan({ kernels, flashAttention: 'on' }),
  );
  expect(ours!.memory.compute).toBeGreaterThan(theirs!.memory.compute);
  expect(ours!.memory.vision).toBeGreaterThan(theirs!.memory.vision);
});
