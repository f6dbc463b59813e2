/**
 * Finite sets of words as trees of their characters. Equal trees of one pool are one object, so that endings are
 * shared; where one word is left it stands as a text until its characters are asked for.
 */

/** A finite language whose derivative is a step down. */
export interface WordNode {
  readonly id: number;
  readonly isWord: boolean;
  /** Whether nothing follows. */
  readonly isEnd: boolean;
  /** What follows, where that is one word. */
  readonly only: string | undefined;
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
    const next = new Map<number, WordNode>();
    let key = isWord ? 'w' : '';
    for (const [point, rests] of byFirst) {
      const node = this.tree(rests);
      next.set(point, node);
      key += `${point}:${node.id},`;
    }
    let node = this.trees.get(key);
    if (!node) {
      node = { id: this.count++, isWord, isEnd: next.size === 0, only: undefined, next };
      this.trees.set(key, node);
    }
    return node;
  }

  /** The tree of one word. */
  chain(word: string): WordNode {
    let node = this.chains.get(word);
    if (!node) {
      node = new Chain(this.count++, word, this);
      this.chains.set(word, node);
    }
    return node;
  }
}

class Chain implements WordNode {
  private known: ReadonlyMap<number, WordNode> | undefined;

  constructor(
    readonly id: number,
    readonly only: string,
    private readonly trees: WordTrees,
  ) {}

  get isWord(): boolean {
    return this.only === '';
  }

  get isEnd(): boolean {
    return this.only === '';
  }

  get next(): ReadonlyMap<number, WordNode> {
    this.known ??= this.follow();
    return this.known;
  }

  private follow(): ReadonlyMap<number, WordNode> {
    const point = this.only.codePointAt(0);
    if (point === undefined) return new Map();
    const rest = this.only.slice(point > 0xffff ? 2 : 1);
    return new Map([[point, this.trees.chain(rest)]]);
  }
}

export function wordsOf(node: WordNode): string[] {
  if (node.only !== undefined) return [node.only];
  const words = node.isWord ? [''] : [];
  for (const [point, next] of node.next)
    for (const word of wordsOf(next)) words.push(String.fromCodePoint(point) + word);
  return words;
}
