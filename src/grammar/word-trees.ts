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
  /** The characters that may follow, in order, and for each what follows it. */
  readonly points: readonly number[];
  readonly nodes: readonly WordNode[];
}

export class WordTrees {
  private readonly trees = new Map<string, WordNode>();
  /** Trees of one word: most nodes are. */
  private readonly chains = new Map<string, WordNode>();
  private count = 0;

  of(words: Iterable<string>): WordNode {
    const sorted = [...new Set(words)].sort();
    return this.tree(sorted, 0, sorted.length, 0);
  }

  /** Of the words between two places, which have `depth` units in common. */
  private tree(words: readonly string[], from: number, end: number, depth: number): WordNode {
    if (end - from === 1) return this.chain(words[from]!.slice(depth));
    const first = words[from] ?? '';
    const last = words[end - 1] ?? '';
    let common = depth;
    while (common < first.length && first[common] === last[common]) common++;
    if (common > depth && isHigh(first, common - 1)) common--;
    let node = this.fork(words, from, end, common);
    // Words may be long: what they begin with is followed without recursion.
    for (let i = common; i > depth; ) {
      i -= i - 1 > depth && isHigh(first, i - 2) ? 2 : 1;
      node = this.node(false, [first.codePointAt(i)!], [node]);
    }
    return node;
  }

  private fork(words: readonly string[], from: number, end: number, depth: number): WordNode {
    const isWord = from < end && words[from]!.length === depth;
    const points: number[] = [];
    const nodes: WordNode[] = [];
    for (let i = isWord ? from + 1 : from; i < end; ) {
      const point = words[i]!.codePointAt(depth)!;
      const first = i;
      while (i < end && words[i]!.codePointAt(depth) === point) i++;
      const node = this.tree(words, first, i, depth + (point > 0xffff ? 2 : 1));
      // Words are sorted by their units, of which those above U+FFFF have smaller ones.
      let at = points.push(point) - 1;
      nodes.push(node);
      for (; at > 0 && points[at - 1]! > point; at--) {
        points[at] = points[at - 1]!;
        nodes[at] = nodes[at - 1]!;
      }
      points[at] = point;
      nodes[at] = node;
    }
    return this.node(isWord, points, nodes);
  }

  private node(isWord: boolean, points: readonly number[], nodes: readonly WordNode[]): WordNode {
    let key = isWord ? 'w' : '';
    for (let i = 0; i < points.length; i++) key += `${points[i]}:${nodes[i]!.id},`;
    let node = this.trees.get(key);
    if (!node) {
      const isEnd = points.length === 0;
      node = { id: this.count++, isWord, isEnd, only: undefined, points, nodes };
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

/** Whether the first half of a surrogate pair stands there, with the other one behind it. */
function isHigh(text: string, at: number): boolean {
  return text.codePointAt(at)! > 0xffff;
}

class Chain implements WordNode {
  readonly isWord: boolean;
  readonly isEnd: boolean;
  readonly points: readonly number[];
  private known: readonly WordNode[] | undefined;

  constructor(
    readonly id: number,
    readonly only: string,
    private readonly trees: WordTrees,
  ) {
    this.isWord = only === '';
    this.isEnd = this.isWord;
    this.points = this.isEnd ? [] : [only.codePointAt(0)!];
  }

  get nodes(): readonly WordNode[] {
    this.known ??= this.isEnd
      ? []
      : [this.trees.chain(this.only.slice(this.points[0]! > 0xffff ? 2 : 1))];
    return this.known;
  }
}

export function wordsOf({ only, isWord, points, nodes }: WordNode): string[] {
  if (only !== undefined) return [only];
  const words = isWord ? [''] : [];
  for (let i = 0; i < points.length; i++)
    for (const word of wordsOf(nodes[i]!)) words.push(String.fromCodePoint(points[i]!) + word);
  return words;
}
