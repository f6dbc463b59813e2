/** Whether a grammar as jsonSchemaToGrammar writes it admits a text: for tests without the addon, whose word counts. */
type Terminal = (point: number) => boolean;
type Symbol = Terminal | string;
interface Stack {
  readonly top: Symbol;
  readonly below: Stack | null;
  readonly key: string;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|[A-Za-z0-9-]+|\|/g;
const POINT = /\\x(..)|\\u(....)|\\U(.{8})|\\(.)|([^\\])/gsu;

export function grammarAdmits(grammar: string, text: string): boolean {
  const rules = readRules(grammar);
  let names = 0;
  const keys = new Map<Symbol, string>();
  const keyOf = (symbol: Symbol) => {
    if (!keys.has(symbol)) keys.set(symbol, String(names++));
    return keys.get(symbol)!;
  };
  const push = (below: Stack | null, symbols: readonly Symbol[]): Stack | null =>
    symbols.reduceRight<Stack | null>(
      (rest, top) => ({ top, below: rest, key: `${keyOf(top)} ${rest?.key ?? ''}` }),
      below,
    );
  /** Stacks with a terminal on top, or null where the text may end. */
  const expand = (stacks: (Stack | null)[]) => {
    const done = new Map<string, Stack | null>();
    const seen = new Set<string>();
    const todo = [...stacks];
    while (todo.length > 0) {
      const stack = todo.pop()!;
      const key = stack?.key ?? '';
      if (seen.has(key)) continue;
      seen.add(key);
      if (stack === null || typeof stack.top !== 'string') done.set(key, stack);
      else for (const symbols of rules.get(stack.top)!) todo.push(push(stack.below, symbols));
    }
    return [...done.values()];
  };
  let open = expand([push(null, ['root'])]);
  for (const char of text) {
    const point = char.codePointAt(0)!;
    open = expand(
      open.flatMap((stack) => (stack && (stack.top as Terminal)(point) ? [stack.below] : [])),
    );
  }
  return open.includes(null);
}

function readRules(grammar: string): Map<string, Symbol[][]> {
  const rules = new Map<string, Symbol[][]>();
  for (const line of grammar.trim().split('\n')) {
    const [name, body] = line.split(' ::= ') as [string, string];
    const alternatives: Symbol[][] = [[]];
    for (const [token] of body.matchAll(TOKEN)) {
      if (token === '|') alternatives.push([]);
      else alternatives.at(-1)!.push(...symbolsOf(token));
    }
    rules.set(name, alternatives);
  }
  return rules;
}

function symbolsOf(token: string): Symbol[] {
  if (token.startsWith('"'))
    return pointsOf(token).map(
      ({ point }) =>
        (char: number) =>
          char === point,
    );
  if (!token.startsWith('[')) return [token];
  const points = pointsOf(token);
  const ranges: [number, number][] = [];
  for (let i = 0; i < points.length; i++) {
    const isRange = points[i + 1]?.isDash && i + 2 < points.length;
    ranges.push([points[i]!.point, points[isRange ? i + 2 : i]!.point]);
    if (isRange) i += 2;
  }
  return [(char) => ranges.some(([from, to]) => from <= char && char <= to)];
}

function pointsOf(token: string): { point: number; isDash: boolean }[] {
  return Array.from(token.slice(1, -1).matchAll(POINT), ([all, x, u, big, escaped]) => {
    const hex = x ?? u ?? big;
    if (hex) return { point: Number.parseInt(hex, 16), isDash: false };
    const char = { n: '\n', r: '\r', t: '\t' }[escaped ?? ''] ?? escaped ?? all;
    return { point: char.codePointAt(0)!, isDash: all === '-' };
  });
}
