/**
 * Which cells of the KV cache are taken, counted exactly where sequences share them. Sequences that share a prefix form a
 * tree: a span is a run of positions that the same sequences hold, its children are where they part. What a sequence may
 * still fill counts as taken, at the end of its own span.
 */
export interface Span {
  readonly start: number;
  readonly end: number;
}

class Node implements Span {
  parent: Node | null;
  start: number;
  end: number;
  readonly children = new Set<Node>();

  constructor(parent: Node | null, start: number, end: number) {
    this.parent = parent;
    this.start = start;
    this.end = end;
    parent?.children.add(this);
  }
}

/** A span that a sequence holds is a leaf, and its own alone. */
export class CellSpans {
  #nTaken = 0;

  get nTaken(): number {
    return this.#nTaken;
  }

  /** Positions [0, end) for a new sequence. */
  open(end: number): Span {
    this.#nTaken += end;
    return new Node(null, 0, end);
  }

  /** A new sequence that shares [0, at) with the one that holds `span`, and has [at, end) for itself. */
  fork(span: Span, at: number, end: number): Span {
    this.#nTaken += end - at;
    let node = span as Node;
    while (node.start > 0 && node.start >= at) node = node.parent!;
    return at === 0 ? new Node(null, 0, end) : new Node(split(node, at), at, end);
  }

  /** Moves the end of a sequence's positions, at least `span.start`. */
  resize(span: Span, end: number): void {
    this.#nTaken += end - span.end;
    (span as Node).end = end;
  }

  /** The sequence is gone; what it shared stays with the others. */
  release(span: Span): void {
    const node = span as Node;
    this.#nTaken -= node.end - node.start;
    const { parent } = node;
    if (!parent) return;
    parent.children.delete(node);
    const [heir] = parent.children;
    if (parent.children.size === 1) join(parent, heir!);
  }

  /** Cells that the sequences take together, were there no others. The last of them counts up to `limit` only. */
  heldBy(spans: readonly Span[], last?: { span: Span; limit: number }): number {
    const seen = new Set<Node>();
    let held = 0;
    const count = (span: Span, limit: number) => {
      for (let node: Node | null = span as Node; node; node = node.parent) {
        if (seen.has(node)) return;
        seen.add(node);
        held += Math.max(0, Math.min(node.end, limit) - node.start);
      }
    };
    for (const span of spans) count(span, Number.POSITIVE_INFINITY);
    if (last) count(last.span, last.limit);
    return held;
  }
}

/** The part of a node before `at`, which becomes its parent; the node itself keeps its holder. */
function split(node: Node, at: number): Node {
  if (node.end === at && node.children.size > 0) return node;
  const { parent } = node;
  parent?.children.delete(node);
  const upper = new Node(parent, node.start, at);
  upper.children.add(node);
  node.parent = upper;
  node.start = at;
  return upper;
}

function join(parent: Node, child: Node): void {
  child.start = parent.start;
  child.parent = parent.parent;
  parent.parent?.children.delete(parent);
  parent.parent?.children.add(child);
}
