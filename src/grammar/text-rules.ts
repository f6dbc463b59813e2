/** Rules of a grammar for texts: those of an automaton, and those of a tree of words. */
import type { Automaton, AutomatonState } from './automaton.js';
import { type Characters, plainCharacter } from './characters.js';
import { type CodePoints, single } from './code-points.js';
import type { Alternative, GrammarBuilder, GrammarSymbol } from './gbnf.js';
import type { TermListMap } from './term-lists.js';
import { literal } from './terminals.js';
import type { WordNode, WordTrees } from './word-trees.js';

/** Characters in one piece. */
const LONGEST_TEXT = 200;
const PLAIN_START = /^[ !#-[\]-~]{1,200}/;
export const QUOTE = literal('"');

/** Rules of places, written one after the other: what is still to be written waits in a list. */
class PlaceRules<Place> {
  private readonly rules = new Map<Place, number>();
  private readonly todo: Place[] = [];

  constructor(
    private readonly builder: GrammarBuilder,
    private readonly hint: string,
  ) {}

  of(place: Place): number {
    let rule = this.rules.get(place);
    if (rule === undefined) {
      rule = this.builder.declare(this.hint);
      this.rules.set(place, rule);
      this.todo.push(place);
    }
    return rule;
  }

  write(first: Place, alternativesOf: (place: Place) => Alternative[]): number {
    const rule = this.of(first);
    for (let place = this.todo.pop(); place !== undefined; place = this.todo.pop())
      this.builder.define(this.of(place), alternativesOf(place));
    return rule;
  }
}

export class TextRules {
  constructor(
    private readonly builder: GrammarBuilder,
    private readonly characters: Characters,
    private readonly trees: WordTrees,
  ) {}

  /**
   * The texts of an automaton, which is not empty.
   * @param endOf what stands behind a text of a kind.
   * @param symbolOf how a character of a set is written.
   * @param written gets the rules of its places but for the first.
   */
  automaton(
    hint: string,
    automaton: Automaton,
    endOf: (kind: number) => Alternative,
    symbolOf: (set: CodePoints) => GrammarSymbol,
    written?: TermListMap<number>,
  ): number {
    const rules = new PlaceRules<number>(this.builder, hint);
    return rules.write(0, (state) => {
      const { place, kind, moves } = automaton[state]!;
      if (state > 0) written?.set(place, rules.of(state));
      const alternatives = new Array<Alternative>(moves.length + (kind === undefined ? 0 : 1));
      for (let i = 0; i < moves.length; i++) {
        const { set, target } = moves[i]!;
        let text = plainCharacter(set);
        let last = target;
        // The text that has to follow, while one plain character leads to one state.
        while (text !== '' && text.length < LONGEST_TEXT) {
          const only = onlyMove(automaton[last]!);
          const next = only ? plainCharacter(only.set) : '';
          if (next === '') break;
          text += next;
          last = only!.target;
        }
        const head = text ? literal(text) : symbolOf(set);
        const end = automaton[last]!;
        if (end.rule !== undefined) alternatives[i] = [head, end.rule];
        else if (end.moves.length === 0) alternatives[i] = [head, ...endOf(end.kind!)];
        else alternatives[i] = [head, rules.of(last)];
      }
      if (kind !== undefined) alternatives[moves.length] = endOf(kind);
      return alternatives;
    });
  }

  /** What is behind the quote before one of the words, of which there are some. */
  words(hint: string, root: WordNode): number {
    const rules = new PlaceRules<WordNode>(this.builder, hint);
    return rules.write(root, ({ isWord, points, nodes }) => {
      const alternatives: Alternative[] = [];
      for (let i = 0; i < points.length; i++) {
        const { text, last } = this.along(points[i]!, nodes[i]!);
        const head = text ? literal(text) : this.characters.symbol(single(points[i]!));
        alternatives.push([head, last.isEnd ? QUOTE : rules.of(last)]);
      }
      if (isWord) alternatives.push([QUOTE]);
      return alternatives;
    });
  }

  /** The plain text that has to follow from a character on. */
  private along(point: number, node: WordNode): { text: string; last: WordNode } {
    let text = plainCharacter(single(point));
    let last = node;
    while (text !== '' && text.length < LONGEST_TEXT && !last.isEnd) {
      if (last.only !== undefined) {
        const run = PLAIN_START.exec(last.only)?.[0] ?? '';
        return { text: text + run, last: this.trees.chain(last.only.slice(run.length)) };
      }
      if (last.points.length > 1 || last.isWord) break;
      const char = plainCharacter(single(last.points[0]!));
      if (char === '') break;
      text += char;
      last = last.nodes[0]!;
    }
    return { text, last };
  }
}

function onlyMove({ kind, moves }: AutomatonState): AutomatonState['moves'][0] | undefined {
  return moves.length === 1 && kind === undefined ? moves[0] : undefined;
}
