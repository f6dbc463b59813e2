import type { Lane } from '../vision/visual-rows.js';

/** A first-in first-out queue of one: the decoder's steps and the tower's tiles share the same cores and device,
 *  so they take turns instead of slowing each other down. A turn that fails does not hold up the next. */
export function createLane(): Lane {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
}
