/**
 * Which answers are being written in another window of this browser: whoever writes one holds a lock of its id, which the browser
 * frees when the window goes. Pages that came over plain http from elsewhere have no locks, and take such answers for cut off.
 */
import type { Id } from './types.js';

const PREFIX = 'writing ';
const locks = (): LockManager | undefined => globalThis.navigator?.locks;

/** @returns what ends it */
export function holdWriting(id: Id): () => void {
  let free = () => {};
  const held = new Promise<void>((resolve) => {
    free = resolve;
  });
  locks()
    ?.request(PREFIX + id, () => held)
    .catch(() => {});
  return free;
}

export async function isWrittenElsewhere(id: Id): Promise<boolean> {
  const { held } = (await locks()?.query()) ?? {};
  return held?.some(({ name }) => name === PREFIX + id) ?? false;
}
