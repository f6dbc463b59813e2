/** A name that nothing else has. Not crypto.randomUUID(), which pages that came over plain http from elsewhere do not have. */
import type { Id } from './types.js';

export const newId = (): Id =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
