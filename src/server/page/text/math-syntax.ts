/**
 * $…$, $$…$$, \(…\) and \[…\] in Markdown, to elements that hold the formula as text until it is drawn. Dollars that are money are
 * none: a formula has no white space at its ends, and no digit follows it.
 */
import type { TokenizerAndRendererExtension } from 'marked';
import { escaped } from './escaped.js';

export const MATH_CLASS = { inline: 'math', block: 'math math-block' } as const;

const INLINE =
  /^(?:\$\$([^$]+?)\$\$|\$(?!\s)((?:\\.|[^$\\\n])+?)(?<!\s)\$(?!\d)|\\\(([\s\S]+?)\\\)|\\\[([\s\S]+?)\\\])/;
const BLOCK = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n+|$)/;
const START = /\$|\\[([]/;

interface MathToken {
  tex: string;
  isBlock: boolean;
}

export const inlineMath: TokenizerAndRendererExtension = {
  name: 'inlineMath',
  level: 'inline',
  start: (source) => START.exec(source)?.index,
  tokenizer(source) {
    const found = INLINE.exec(source);
    if (!found) return undefined;
    const [raw, dollars, dollar, round, square] = found;
    const tex = dollars ?? dollar ?? round ?? square ?? '';
    return { type: 'inlineMath', raw, tex, isBlock: dollars !== undefined || square !== undefined };
  },
  renderer: (token) => element(token as unknown as MathToken),
};

export const blockMath: TokenizerAndRendererExtension = {
  name: 'blockMath',
  level: 'block',
  start: (source) => /(?:^|\n) {0,3}(?:\$\$|\\\[)/.exec(source)?.index,
  tokenizer(source) {
    const found = BLOCK.exec(source);
    if (!found) return undefined;
    return { type: 'blockMath', raw: found[0], tex: found[1] ?? found[2] ?? '', isBlock: true };
  },
  renderer: (token) => `<p>${element(token as unknown as MathToken)}</p>\n`,
};

function element({ tex, isBlock }: MathToken): string {
  const name = isBlock ? MATH_CLASS.block : MATH_CLASS.inline;
  return `<code class="${name}">${escaped(tex.trim())}</code>`;
}
