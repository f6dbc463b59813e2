/** What a chat took, in words. */

import { byteSize } from '../../byte-size.js';
import type { ChatResult } from '../../index.js';
import type { MemoryEstimate } from '../../load/memory.js';

export function describeMemory({ host, gpu }: MemoryEstimate): string {
  const onGpu = gpu > 0 ? `, ${byteSize(gpu)} on GPUs` : '';
  return `about ${byteSize(host)} of memory${onGpu}\n`;
}

/** What goes to each GPU, a line each; nothing without one. */
export function describeDevices({ devices }: MemoryEstimate): string {
  return devices
    .map(({ name, free, layers, weights, kvCache, compute, vision, margin }) => {
      const parts = { weights, 'KV cache': kvCache, 'compute buffers': compute, tower: vision };
      const sum = Object.entries({ ...parts, 'left free': margin })
        .filter(([, bytes]) => bytes > 0)
        .map(([part, bytes]) => `${part} ${byteSize(bytes)}`);
      return `${name}: ${byteSize(free)} free; ${layers} layers, ${sum.join(', ')}\n`;
    })
    .join('');
}

export function describeStats({ usage, timings, finishReason }: ChatResult): string {
  const times = Object.entries(timings).map(
    ([stage, ms]) => `${stage.replace(/Ms$/, '')} ${Math.round(ms)} ms`,
  );
  const { draftedTokens, acceptedTokens } = usage;
  const drafted =
    draftedTokens === undefined ? '' : ` (${acceptedTokens} of ${draftedTokens} guesses right)`;
  return (
    `${usage.promptTokens} prompt tokens (${usage.visualTokens} visual, ${usage.cachedTokens} cached), ` +
    `${usage.completionTokens} generated${drafted}, ${finishReason}\n${times.join(', ')}\n`
  );
}
