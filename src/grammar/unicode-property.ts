/**
 * The characters of a Unicode property such as L or Script=Greek, asked of the engine that runs us, and kept:
 * a question takes some ten milliseconds.
 */
import { type CodePoints, codePoints } from './code-points.js';

const known = new Map<string, CodePoints | undefined>();

export function unicodeProperty(name: string): CodePoints | undefined {
  if (!known.has(name)) known.set(name, ask(name));
  return known.get(name);
}

function ask(name: string): CodePoints | undefined {
  let runs: RegExp;
  try {
    runs = new RegExp(`\\p{${name}}+`, 'gu');
  } catch {
    return undefined;
  }
  const ranges: [number, number][] = [];
  for (let plane = 0; plane < 0x110000; plane += 0x2000) {
    if (plane >= 0xd800 && plane < 0xe000) continue;
    const last = plane < 0xd800 ? Math.min(plane + 0x1fff, 0xd7ff) : plane + 0x1fff;
    const text = String.fromCodePoint(
      ...Array.from({ length: last - plane + 1 }, (_, i) => plane + i),
    );
    const width = plane < 0x10000 ? 1 : 2;
    for (const match of text.matchAll(runs)) {
      const from = plane + match.index / width;
      ranges.push([from, from + match[0].length / width - 1]);
    }
  }
  return codePoints(ranges);
}
