/** A question that is being written: its text, its pictures and clips in their order. */
import { signal } from '@preact/signals';
import { words } from '../words/words.js';
import { asPicture } from './as-picture.js';
import { drop, hold } from './media.js';
import { say, tell } from './notices.js';
import type { Id, Media, Turn } from './types.js';

export class Draft {
  readonly text = signal('');
  readonly media = signal<readonly Media[]>([]);
  /** Those of no turn yet. */
  readonly #own = new Set<Id>();

  /** To ask the same question otherwise. */
  static of(turn: Turn): Draft {
    const draft = new Draft();
    draft.text.value = turn.text;
    draft.media.value = turn.media;
    return draft;
  }

  get isEmpty(): boolean {
    return this.text.value.trim() === '' && this.media.value.length === 0;
  }

  /** What it had is asked: its media are a turn's from now on. */
  clear(): void {
    this.#own.clear();
    this.text.value = '';
    this.media.value = [];
  }

  /** Nobody asks it. */
  discard(): void {
    for (const id of this.#own) drop(id);
    this.clear();
  }

  /** Says which files are neither pictures nor clips. */
  async add(files: Iterable<File>): Promise<void> {
    for (const file of files) {
      if (!/^(image|video)\//.test(file.type)) {
        tell(words().notMedia(file.name), { isUrgent: true });
        continue;
      }
      const blob = await asPicture(file).catch(() => undefined);
      if (!blob) tell(words().unreadable(file.name), { isUrgent: true });
      else this.#hold(blob, file.name);
    }
  }

  #hold(blob: Blob, name: string): void {
    const added = hold(blob, name);
    this.#own.add(added.id);
    this.media.value = [...this.media.value, added];
  }

  remove(id: Id): void {
    if (this.#own.delete(id)) drop(id);
    this.media.value = this.media.value.filter((one) => one.id !== id);
  }

  /** @param place where it shall be; beyond an end stands for the end */
  move(id: Id, place: number): void {
    const moved = this.media.value.find((one) => one.id === id);
    if (!moved) return;
    const others = this.media.value.filter((one) => one !== moved);
    const at = Math.min(Math.max(place, 0), others.length);
    this.media.value = [...others.slice(0, at), moved, ...others.slice(at)];
    say(words().movedTo(moved.name, at + 1, this.media.value.length));
  }
}

/** What stands in the composer. It outlives a change of the conversation. */
export const draft = new Draft();
