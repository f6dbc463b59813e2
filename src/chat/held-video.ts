import type { RgbImage } from '../media/image.js';
import type { OpenedVideo } from '../media/video.js';

/** A clip that a conversation holds, and perhaps an encoding that outlives it; it is closed when the last lets go. */
export class HeldVideo {
  readonly #video: OpenedVideo;
  #nHolders = 1;

  constructor(video: OpenedVideo) {
    this.#video = video;
  }

  /** What it tells of itself, also when it is closed. */
  get clip(): Pick<OpenedVideo, 'width' | 'height' | 'durationSeconds' | 'secondsOf'> {
    return this.#video;
  }

  /** Frames by number, ascending; an abort ends the decoder at once and closes the clip. */
  async *frames(indices: readonly number[], signal: AbortSignal): AsyncGenerator<RgbImage> {
    const close = () => void this.#video[Symbol.asyncDispose]().catch(() => {});
    this.#nHolders++;
    signal.addEventListener('abort', close);
    try {
      yield* this.#video.frames(indices);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', close);
      await this.release();
    }
  }

  async release(): Promise<void> {
    if (--this.#nHolders === 0) await this.#video[Symbol.asyncDispose]();
  }
}
