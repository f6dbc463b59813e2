/** Terminals of a grammar in GBNF: quoted texts and bracketed sets of characters. */
import type { CodePoints } from './code-points.js';

const characters = new Map<string, string>();

/** A quoted text of a grammar. */
export function literal(text: string): string {
  if (text.length !== 1 || text > '\x7f') return quoted(text);
  let known = characters.get(text);
  if (known === undefined) {
    known = quoted(text);
    characters.set(text, known);
  }
  return known;
}

function quoted(text: string): string {
  if (/^[ -~]*$/.test(text)) return `"${text.replace(/["\\]/g, '\\$&')}"`;
  const escaped = Array.from(text, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    const point = char.codePointAt(0)!;
    return isPlain(point) ? char : escapedPoint(point);
  });
  return `"${escaped.join('')}"`;
}

/** A bracketed set of characters of a grammar. */
export function bracketed(set: CodePoints): string {
  let text = '[';
  for (let i = 0; i < set.length; i++) {
    const from = set[i]![0];
    const to = set[i]![1];
    text += classPoint(from);
    if (from !== to) text += `-${classPoint(to)}`;
  }
  return `${text}]`;
}

function classPoint(point: number): string {
  const char = String.fromCodePoint(point);
  if ('[]-\\"'.includes(char)) return `\\${char}`;
  return isPlain(point) && char !== '^' ? char : escapedPoint(point);
}

function isPlain(point: number): boolean {
  return (point >= 0x20 && point < 0x7f) || (point >= 0xc0 && point < 0x250);
}

function escapedPoint(point: number): string {
  if (point === 10) return '\\n';
  if (point === 13) return '\\r';
  if (point === 9) return '\\t';
  const hex = point.toString(16).toUpperCase();
  if (point <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return point <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
