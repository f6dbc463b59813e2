/**
 * Whose turn it is to compute: the decoder's steps and the tower's tiles share the same cores and device, so they take
 * turns instead of slowing each other down. While both wait they alternate: an answer waits for one tile between two of
 * its tokens, whoever encodes, and a picture for one step between two of its tiles. Within a class it is first come, first
 * served; an encoder asks for its next tile when it has the last, so pictures that are encoded at one time alternate too.
 * Copies into and out of the cache stand in line with the steps but are none: they bring no tile between two steps more.
 */

/** Runs `work` when its turn comes. @throws what it throws */
export type TakeTurn = <T>(work: () => Promise<T>) => Promise<T>;

type Kind = 'step' | 'copy' | 'tile';

interface Waiting {
  kind: Kind;
  run: () => Promise<void>;
}

export class Turns {
  readonly #decoder: Waiting[] = [];
  readonly #tiles: Waiting[] = [];
  #isTaken = false;
  /** A tile has come since the last step. */
  #owesStep = false;
  #tileMs = 0;

  /** Tiles, or batches of tiles, that wait: one of each picture or clip under way. */
  get tilesQueued(): number {
    return this.#tiles.length;
  }

  /** Somebody waits for what is under way. */
  get isAwaited(): boolean {
    return this.#decoder.length + this.#tiles.length > 0;
  }

  /** How long the tile took that came between the step under way and the one before it; 0 where none did. */
  get tileMs(): number {
    return this.#tileMs;
  }

  /** A step of the decoder. */
  readonly step: TakeTurn = (work) => this.#enter(this.#decoder, { work, kind: 'step' });

  /** Anything else on the decoder's context. */
  readonly copy: TakeTurn = (work) => this.#enter(this.#decoder, { work, kind: 'copy' });

  /** One call of the tower. @throws signal.reason, at once while it waits */
  tile<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#enter(this.#tiles, { work, kind: 'tile', signal });
  }

  #enter<T>(line: Waiting[], { work, kind, signal }: EnterOptions<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const leave = () => {
        line.splice(line.indexOf(waiting), 1);
        reject(signal!.reason);
      };
      const waiting: Waiting = {
        kind,
        run: async () => {
          signal?.removeEventListener('abort', leave);
          try {
            resolve(await work());
          } catch (error) {
            reject(error);
          }
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      line.push(waiting);
      // Not at once: what else comes in this turn of the event loop may share the step.
      queueMicrotask(() => void this.#next());
    });
  }

  async #next(): Promise<void> {
    if (this.#isTaken) return;
    const waiting = this.#choose();
    if (!waiting) return;
    this.#isTaken = true;
    const start = performance.now();
    await waiting.run();
    if (waiting.kind === 'tile') this.#tileMs = performance.now() - start;
    if (waiting.kind === 'step') this.#tileMs = 0;
    this.#isTaken = false;
    void this.#next();
  }

  #choose(): Waiting | undefined {
    const mayTile = !this.#owesStep || this.#decoder.length === 0;
    const tile = mayTile ? this.#tiles.shift() : undefined;
    const chosen = tile ?? this.#decoder.shift();
    if (tile) this.#owesStep = true;
    else if (chosen?.kind === 'step') this.#owesStep = false;
    return chosen;
  }
}

interface EnterOptions<T> {
  work: () => Promise<T>;
  kind: Kind;
  signal?: AbortSignal | undefined;
}
