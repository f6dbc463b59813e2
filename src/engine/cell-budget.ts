/** How many positions of the KV cache a chat may ask for. */
import { LlavaError } from '../errors.js';

const OPEN_ANSWER = 512;

export class CellBudget {
  /** Cells of the cache, for all sequences together. */
  readonly nCtx: number;
  /** Positions that one sequence may reach: the cache, or what the model was trained on if that is less. */
  readonly nPositions: number;

  constructor(nCtx: number, nCtxTrain: number) {
    this.nCtx = nCtx;
    this.nPositions = Math.min(nCtx, nCtxTrain);
  }

  /** @param rows positions of a prompt @throws ERR_CONTEXT_FULL when it could not even stand alone */
  check(rows: number): void {
    if (rows <= this.nPositions) return;
    const [limit, advice] =
      this.nPositions < this.nCtx
        ? ['the model was trained on', 'shorten it or use fewer images']
        : ['the context holds', 'load the model with a larger contextSize or shorten the prompt'];
    throw new LlavaError(
      'ERR_CONTEXT_FULL',
      `The prompt takes at least ${rows} positions but ${limit} ${this.nPositions}; ${advice}.`,
      { nPast: 0, nNeeded: rows, nCtx: this.nPositions },
    );
  }

  /** Cells to set aside for a prompt of `rows`: all of `maxTokens` when the caller set it, else for an answer of
   *  OPEN_ANSWER tokens. The last token of an answer needs none. */
  wanted(rows: number, maxTokens: number | undefined): number {
    return Math.min(this.nPositions, rows + (maxTokens ?? OPEN_ANSWER) - 1);
  }
}
