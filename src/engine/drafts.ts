/**
 * Guesses how one answer goes on, from where its last tokens stood before, in the prompt or in the answer: documents, JSON
 * and code repeat. The model's step computes the guesses too and takes those that it would have come to itself, so they
 * change what a step costs, not what is answered. Drafts grow while they are right and shrink where they are not; when
 * they gain less than they cost, there are none for a while. All of it depends on the tokens alone, not on time.
 */
import type { PromptKey } from './prompt-key.js';
import { TokenIndex } from './token-index.js';

export interface DraftOptions {
  /** Tokens of one draft. */
  most: number;
  /** A draft ends before one of these. */
  ends: ReadonlySet<number>;
}

/** What `lookup` may be at most. */
export const LONGEST_DRAFT = 64;
const FIRST = 4;
/** Steps that a draft costs a CPU beside the one it belongs to, as a whole and for each token: what it has to gain. */
const DRAFT_COST = 0.5;
const TOKEN_COST = 0.1;
/** What counts of all earlier drafts. */
const MEMORY = 0.85;
/** Tokens gained and steps paid before the first drafts, and after a pause. */
const PRIOR = { gained: 4, paid: 3 };
/** Tokens without a draft; twice as many each time, until drafts have paid again. */
const FIRST_PAUSE = 16;
const LONGEST_PAUSE = 256;
const NO_MEDIA = -1;

export class Drafts {
  readonly #options: DraftOptions;
  readonly #index = new TokenIndex();
  #limit: number;
  #recent = { ...PRIOR };
  #pause = 0;
  #nextPause = FIRST_PAUSE;
  /** In all. */
  drafted = 0;
  accepted = 0;

  constructor(options: DraftOptions) {
    this.#options = options;
    this.#limit = Math.min(FIRST, options.most);
  }

  /** What stands before the answer. */
  start(prompt: PromptKey): void {
    for (const segment of prompt.segments) {
      if ('tokens' in segment) for (const token of segment.tokens) this.#index.push(token);
      else this.#index.push(NO_MEDIA);
    }
  }

  /** The answer has come that far. */
  push(token: number): void {
    this.#index.push(token);
    if (this.#pause > 0) this.#pause--;
  }

  /** @returns how the answer may go on, `max` tokens at most */
  propose(max: number): number[] {
    if (this.#pause > 0 || max <= 0) return [];
    const found = this.#index.find();
    if (!found) return [];
    const draft = this.#index.after(found.at, Math.min(max, this.#limit, found.length * 2));
    const end = draft.findIndex((token) => this.#options.ends.has(token));
    return end < 0 ? draft : draft.slice(0, end);
  }

  /** So many tokens of a draft have come. */
  verified(drafted: number, accepted: number): void {
    if (drafted === 0) return;
    this.drafted += drafted;
    this.accepted += accepted;
    const { most } = this.#options;
    const isRight = accepted === drafted;
    this.#limit = Math.min(most, isRight ? this.#limit * 2 : Math.max(2, accepted + 1));
    const gained = this.#recent.gained * MEMORY + accepted;
    const paid = this.#recent.paid * MEMORY + DRAFT_COST + TOKEN_COST * drafted;
    this.#recent = { gained, paid };
    if (gained > 1.5 * paid) this.#nextPause = FIRST_PAUSE;
    if (gained >= paid) return;
    this.#pause = this.#nextPause;
    this.#nextPause = Math.min(LONGEST_PAUSE, 2 * this.#nextPause);
    this.#recent = { ...PRIOR };
    this.#limit = Math.min(FIRST, most);
  }
}
