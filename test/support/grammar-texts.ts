/** Random texts of a grammar as jsonSchemaToGrammar writes it: rules of literals, brackets and names, no groups. */
interface Rule {
  alternatives: string[][];
  /** Depth of the shallowest derivation. */
  depth: number;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|[A-Za-z0-9-]+|\|/g;

export class GrammarTexts {
  private readonly rules = new Map<string, Rule>();

  constructor(
    grammar: string,
    private readonly random: () => number,
  ) {
    for (const line of grammar.trim().split('\n')) {
      const [name, body] = line.split(' ::= ') as [string, string];
      const alternatives: string[][] = [[]];
      for (const [token] of body.matchAll(TOKEN)) {
        if (token === '|') alternatives.push([]);
        else alternatives.at(-1)!.push(token);
      }
      this.rules.set(name, { alternatives, depth: Number.POSITIVE_INFINITY });
    }
    for (let isNew = true; isNew; ) {
      isNew = false;
      for (const rule of this.rules.values()) {
        const depth = 1 + Math.min(...rule.alternatives.map((tokens) => this.depthOf(tokens)));
        if (depth < rule.depth) isNew = true;
        rule.depth = Math.min(rule.depth, depth);
      }
    }
  }

  private depthOf(tokens: readonly string[]): number {
    return Math.max(0, ...tokens.map((token) => this.rules.get(token)?.depth ?? 0));
  }

  /** @param fuel choices before the shortest way is taken. */
  next(fuel = 400): string {
    let left = fuel;
    let text = '';
    const todo = ['root'];
    for (let token = todo.pop(); token !== undefined; token = todo.pop()) {
      const rule = this.rules.get(token);
      if (!rule) {
        text += token.startsWith('"') ? unescaped(token.slice(1, -1)) : this.oneOf(token);
        continue;
      }
      left--;
      const { alternatives } = rule;
      const depths = alternatives.map((tokens) => this.depthOf(tokens));
      const least = Math.min(...depths);
      const open = alternatives.filter((_, i) => left > 0 || depths[i] === least);
      todo.push(...[...open[Math.floor(this.random() * open.length)]!].reverse());
    }
    return text;
  }

  private oneOf(token: string): string {
    const chars = Array.from(
      token.slice(1, -1).matchAll(/\\x(..)|\\u(....)|\\U(.{8})|\\(.)|([^\\])/gsu),
      ([all, x, u, big, escaped]) => {
        const hex = x ?? u ?? big;
        if (hex) return { point: Number.parseInt(hex, 16), isDash: false };
        const char = escaped ? unescaped(all) : all;
        return { point: char.codePointAt(0)!, isDash: all === '-' };
      },
    );
    const ranges: [number, number][] = [];
    for (let i = 0; i < chars.length; i++) {
      if (chars[i + 1]?.isDash && i + 2 < chars.length) {
        ranges.push([chars[i]!.point, chars[i + 2]!.point]);
        i += 2;
      } else ranges.push([chars[i]!.point, chars[i]!.point]);
    }
    const [from, to] = ranges[Math.floor(this.random() * ranges.length)]!;
    // The ends, where faults are, and what lies near the beginning.
    const offset = [0, to - from, Math.floor(this.random() * Math.min(to - from + 1, 100))];
    return String.fromCodePoint(from + offset[Math.floor(this.random() * 3)]!);
  }
}

function unescaped(text: string): string {
  return text.replace(/\\(?:x(..)|u(....)|U(.{8})|(.))/gs, (_, x, u, big, char) => {
    const hex = x ?? u ?? big;
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    return { n: '\n', r: '\r', t: '\t' }[char as string] ?? char;
  });
}
