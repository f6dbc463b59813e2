/**
 * Which conversations have a text, without case and accents, widths of East Asian letters alike. Texts are read once and kept for the
 * next letter that is typed, until their conversation changes.
 */
import type { Conversation, Id, Turn } from './types.js';

export class SearchIndex {
  readonly #texts = new Map<Id, Promise<string>>();

  /** It changed. */
  forget(conversation: Id): void {
    this.#texts.delete(conversation);
  }

  /** Of those that are given, in their order. */
  async find(
    text: string,
    conversations: readonly Conversation[],
    turnsOf: (conversation: Id) => Promise<Turn[]>,
  ): Promise<Id[]> {
    const wanted = folded(text);
    const found: Id[] = [];
    for (const { id, title } of conversations) {
      const isFound =
        folded(title).includes(wanted) || (await this.#textOf(id, turnsOf)).includes(wanted);
      if (isFound) found.push(id);
    }
    return found;
  }

  #textOf(id: Id, turnsOf: (conversation: Id) => Promise<Turn[]>): Promise<string> {
    const known = this.#texts.get(id);
    if (known) return known;
    // So that nothing is found across two turns.
    const text = turnsOf(id).then((turns) => turns.map((turn) => folded(turn.text)).join('\0'));
    this.#texts.set(id, text);
    text.catch(() => this.#texts.delete(id));
    return text;
  }
}

export function folded(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
