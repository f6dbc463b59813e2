/** Finite sets of words as trees of their characters. Equal trees of one pool are one object, so that endings are shared. */

/** A finite language whose derivative is a step down. */
export interface WordNode {
  readonly id: number;
  readonly isWord: boolean;
  readonly next: ReadonlyMap<number, WordNode>;
}

export class WordTrees {
  private readonly trees = new Map<string, WordNode>();
  /** Trees of one word: most nodes are. */
  private readonly chains = new Map<string, WordNode>();
  private count = 0;

  of(words: Iterable<string>): WordNode {
    return this.tree([...new Set(words)]);
  }

  /** @param words each once */
  private tree(words: readonly string[]): WordNode {
    if (words.length === 1) return this.chain(words[0]!);
    const byFirst = new Map<number, string[]>();
    let isWord = false;
    for (const word of words) {
      const point = word.codePointAt(0);
      if (point === undefined) isWord = true;
      else {
        const rest = word.slice(point > 0xffff ? 2 : 1);
        const known = byFirst.get(point);
        if (known) known.push(rest);
        else byFirst.set(point, [rest]);
      }
    }
    const next = new Map([...byFirst].map(([point, rests]) => [point, this.tree(rests)]));
    const key = `${isWord}${[...next].map(([point, { id }]) => `,${point}:${id}`).join('')}`;
    let node = this.trees.get(key);
    if (!node) {
      node = { id: this.count++, isWord, next };
      this.trees.set(key, node);
    }
    return node;
  }

  private chain(word: string): WordNode {
    let node = this.chains.get(word);
    if (!node) {
      const point = word.codePointAt(0);
      const next = new Map<number, WordNode>();
      if (point !== undefined) next.set(point, this.chain(word.slice(point > 0xffff ? 2 : 1)));
      node = { id: this.count++, isWord: point === undefined, next };
      this.chains.set(word, node);
    }
    return node;
  }
}
