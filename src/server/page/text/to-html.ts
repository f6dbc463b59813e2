/**
 * Markdown's tokens to HTML, as answers need it: markup of theirs is shown as the text that it is, but for a few tags without
 * attributes; a picture is never loaded, it becomes a link; a link shows the host that it leads to.
 */
import { Marked, type MarkedExtension, type Token } from 'marked';
import { escaped } from './escaped.js';
import { blockMath, inlineMath } from './math-syntax.js';

const HARMLESS = /^<\/?(?:br|hr|sub|sup|kbd|mark|b|i|u|s|em|strong|code|ins|del)\s*\/?>$/i;
const SCHEMES = ['http:', 'https:', 'mailto:'];
/** The page has headings of its own above an answer's. */
const HEADINGS_ABOVE = 2;

const renderer: MarkedExtension<string, string>['renderer'] = {
  html: ({ text, type, block }: { text: string; type: string; block?: boolean }) => {
    if (HARMLESS.test(text.trim())) return text;
    return type === 'html' && block ? `<p>${escaped(text)}</p>\n` : escaped(text);
  },
  heading({ tokens, depth }) {
    const level = Math.min(depth + HEADINGS_ABOVE, 6);
    return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
  },
  link({ href, tokens }) {
    return link(href, this.parser.parseInline(tokens));
  },
  // An answer "4." counts something: as a list it would be a mark with nothing beside it, which nobody hears.
  list: ({ items, raw }) =>
    items.every(({ text }) => text.trim() === '') ? `<p>${escaped(raw.trim())}</p>\n` : false,
  image: ({ href, text }) => link(href, escaped(text || 'picture')),
  // A field without a name would be read out as one to fill in.
  checkbox: ({ checked }) => `<span class="task">${checked ? '☑' : '☐'}</span> `,
};

const marked = new Marked<string, string>({
  gfm: true,
  extensions: [blockMath, inlineMath],
  renderer,
});

export const MARKDOWN = marked.defaults;

export function toHtml(tokens: readonly Token[]): string {
  return marked.parser([...tokens]);
}

function link(href: string, inner: string): string {
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (!url || !SCHEMES.includes(url.protocol)) return inner;
  const target = url.protocol === 'mailto:' ? url.pathname : url.host;
  const shown = [target, href, url.href].map(escaped).includes(inner)
    ? ''
    : ` <span class="host">(${escaped(target)})</span>`;
  return `<a href="${escaped(url.href)}" title="${escaped(url.href)}">${inner}${shown}</a>`;
}
