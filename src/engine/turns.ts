/** Runs `work` when its turn comes. */
export type TakeTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** First come, first served: the decoder's steps and the tower's tiles share the same cores and device, so they take turns
 *  instead of slowing each other down. A turn that fails does not hold up the next. */
export function createTurns(): TakeTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
}
