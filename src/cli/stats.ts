/** What a chat took, in words. */
import type { ChatResult } from '../index.js';
import type { MemoryEstimate } from '../memory.js';
import { byteSize } from './byte-size.js';

export function describeMemory({ host, gpu }: MemoryEstimate): string {
  const onGpu = gpu > 0 ? `, ${byteSize(gpu)} on GPUs` : '';
  return `about ${byteSize(host)} of memory${onGpu}\n`;
}

export function describeStats({ usage, timings, finishReason }: ChatResult): string {
  const times = Object.entries(timings).map(
    ([stage, ms]) => `${stage.replace(/Ms$/, '')} ${Math.round(ms)} ms`,
  );
  return (
    `${usage.promptTokens} prompt tokens (${usage.visualTokens} visual, ${usage.cachedTokens} cached), ` +
    `${usage.completionTokens} generated, ${finishReason}\n${times.join(', ')}\n`
  );
}
