/**
 * Long loops in slices of a few milliseconds: between two of them timers, sockets and other chats have their turn. For lists as
 * long as a vocabulary; what takes longer than that belongs on a thread of the addon.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE = 1024;

export async function inSlices<T>(
  items: ArrayLike<T>,
  work: (item: T, index: number) => void,
): Promise<void> {
  for (let from = 0; from < items.length; from += SLICE) {
    if (from > 0) await nextTurn();
    const to = Math.min(items.length, from + SLICE);
    for (let i = from; i < to; i++) work(items[i]!, i);
  }
}
