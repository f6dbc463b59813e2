/**
 * Whether two schemas surely have no value in common: their types, numbers and words tell, or a property that one of
 * them requires does. Each schema is looked at by itself, once, so that many alternatives are compared quickly.
 */
import { type Branch, NUMBER, OBJECT, STRING } from './branch.js';
import { keptValues, type NumberFacts } from './number-facts.js';
import { type NameRules, propertyLiterals } from './property-literals.js';
import { type Literal, MAX_LITERALS, NOTHING } from './schema-index.js';
import { wordsOf } from './word-trees.js';

/** Properties within each other that are compared. */
const MAX_DEPTH = 2;
/** Ways to keep the one schema times those to keep the other. */
const MAX_PAIRS = 64;
/** Pairs of schemas and names looked at for a document: beyond, nothing more is told apart. */
const MAX_LOOKS = 500_000;

export interface Knowing extends NameRules {
  /** The branches of one literal, or undefined where they cannot be found now. */
  branchesOf(literal: Literal): readonly Branch[] | undefined;
}

export class Disjoint {
  /** By depth, and by both literals in one number. */
  private readonly known = Array.from({ length: MAX_DEPTH + 1 }, () => new Map<number, boolean>());
  private readonly words = new Map<Branch, ReadonlySet<string> | undefined>();
  private looks = 0;

  constructor(private readonly knowing: Knowing) {}

  are(a: Literal, b: Literal, depth = MAX_DEPTH): boolean {
    if (a === NOTHING || b === NOTHING || a === (b ^ 1)) return true;
    if (++this.looks > MAX_LOOKS) return false;
    // The opposite of a schema says little that is compared here.
    if (depth === 0 || a === b || a % 2 === 1 || b % 2 === 1) return false;
    const known = this.known[depth]!;
    const key = Math.min(a, b) * MAX_LITERALS + Math.max(a, b);
    let are = known.get(key);
    if (are === undefined) {
      are = this.compare(a, b, depth);
      known.set(key, are);
    }
    return are;
  }

  private compare(a: Literal, b: Literal, depth: number): boolean {
    const ways = this.knowing.branchesOf(a);
    const others = ways && this.knowing.branchesOf(b);
    if (!ways || !others || ways.length * others.length > MAX_PAIRS) return false;
    return ways.every((way) => others.every((other) => this.haveNothing(way, other, depth)));
  }

  private haveNothing(a: Branch, b: Branch, depth: number): boolean {
    const types = a.types & b.types;
    if (types & ~(NUMBER | STRING | OBJECT)) return false;
    if (types & NUMBER && !areApart(a.number, b.number)) return false;
    if (types & STRING && !this.haveNoWord(a, b)) return false;
    return !(types & OBJECT) || this.haveNoObject(a, b, depth);
  }

  private haveNoWord(a: Branch, b: Branch): boolean {
    const words = this.wordsOf(a);
    const others = words && this.wordsOf(b);
    if (!words || !others) return false;
    const [few, many] = words.size < others.size ? [words, others] : [others, words];
    for (const word of few) if (many.has(word)) return false;
    return true;
  }

  private wordsOf(branch: Branch): ReadonlySet<string> | undefined {
    if (!this.words.has(branch)) {
      const term = branch.string.terms.find(({ kind }) => kind === 'words');
      const words = term?.kind === 'words' ? new Set(wordsOf(term.node)) : undefined;
      this.words.set(branch, words);
    }
    return this.words.get(branch);
  }

  private haveNoObject(a: Branch, b: Branch, depth: number): boolean {
    const names = new Set([...a.object.required, ...b.object.required]);
    this.looks += names.size;
    for (const name of names) {
      const literals = propertyLiterals(this.knowing, a, name);
      const others = propertyLiterals(this.knowing, b, name);
      if (literals.includes(NOTHING) || others.includes(NOTHING)) return true;
      if (literals.some((one) => others.some((other) => this.are(one, other, depth - 1))))
        return true;
    }
    return false;
  }
}

function areApart(a: NumberFacts, b: NumberFacts): boolean {
  if (a.least > b.most || b.least > a.most) return true;
  const values = a.values ? keptValues(a, a.values) : undefined;
  const others = b.values ? new Set(keptValues(b, b.values)) : undefined;
  return values !== undefined && others !== undefined && !values.some((value) => others.has(value));
}
