/**
 * One HTML file that needs nothing else: style, data and script within, and a policy that lets nothing else run or load. What
 * models, datasets and files say is text: it is escaped, or put into the page as text by the script.
 */
import { createHash } from 'node:crypto';
import { escaped } from '../../chat/drawing/svg.js';

export interface Page {
  title: string;
  /** HTML, escaped where it has to be. */
  body: string;
  /** For the script: `JSON.parse(document.getElementById('data').textContent)`. */
  data?: unknown;
  script?: string;
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --accent: #2f6fde; --mark: #d9480f; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.chart { display: block; width: 100%; height: auto; }
.chart text { font: 13px system-ui, sans-serif; fill: currentColor; }
.chart .value { fill: var(--accent); }
.chart .interval { stroke: currentColor; }
.chart .mark { stroke: var(--mark); }
.filters { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; align-items: end; }
.filters label { display: flex; flex-direction: column; font-size: .85em; }
article { border: 1px solid var(--line); border-radius: 6px; padding: .8rem; margin: .8rem 0; display: flex; gap: 1rem; flex-wrap: wrap; }
article img { max-width: 160px; max-height: 160px; }
article pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: inherit; }
article dl { flex: 1 1 20rem; margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; }
dt { opacity: .7; } dd { margin: 0; min-width: 0; }
.note { opacity: .75; }
`;

export function htmlPage({ title, body, data, script = '' }: Page): string {
  // "<" would end the element, or begin a comment that hides its end.
  const json = data === undefined ? '' : JSON.stringify(data).replaceAll('<', '\\u003c');
  const policy = [
    "default-src 'none'",
    'img-src data:',
    `style-src '${hashOf(STYLE)}'`,
    `script-src '${hashOf(script)}'`,
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${body}
${json && `<script type="application/json" id="data">${json}</script>`}
${script && `<script>${script}</script>`}
</body>
</html>
`;
}

/** @param cells text; numbers stand to the right */
export function htmlTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cell = (tag: string, value: string | number, isNumber: boolean) =>
    `<${tag}${isNumber ? ' class="number"' : ''}>${escaped(value)}</${tag}>`;
  const line = (tag: string, values: readonly (string | number)[]) =>
    `<tr>${values.map((value, i) => cell(tag, value, i > 0)).join('')}</tr>`;
  const body = rows.map((row) => line('td', row)).join('\n');
  return `<table>\n<thead>${line('th', head)}</thead>\n<tbody>\n${body}\n</tbody>\n</table>`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
