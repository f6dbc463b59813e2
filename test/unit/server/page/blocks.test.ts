import { describe, expect, test } from 'vitest';
import { Blocks } from '../../../../src/server/page/text/blocks.js';
import { nSameRows, rowsOf, sourceFrom } from '../../../../src/server/page/text/growing-rows.js';
import { openCode } from '../../../../src/server/page/text/open-code.js';
import { MARKDOWN, toHtml } from '../../../../src/server/page/text/to-html.js';

const TEXT = `# Title

A paragraph with **bold**, \`code\` and
a second line
---

1. one

2. two
   - nested

     more of it
3. three
| a | b |
|---|---|
| 1 | 2 |

> quoted
lazy

\`\`\`ts
const a = 1;

\`\`\`
abc
#hashtag

    indented

    still

$$
x^2

y
$$

* a
* b

text [link][1]

[1]: https://example.com/
`;

test('a text that grows is the blocks that it is at one time', () => {
  const growing = new Blocks(MARKDOWN);
  for (let end = 1; end <= TEXT.length; end += 3) {
    const text = TEXT.slice(0, end);
    const grown = growing.read(text, true);
    const whole = new Blocks(MARKDOWN).read(text, false);
    // White space at an end may be told as another.
    expect(grown.map(({ raw }) => raw).join('')).toHaveLength(text.length);
    expect(grown.map(({ type, raw }) => [type, raw])).toEqual(
      whole.map(({ type, raw }) => [type, raw]),
    );
  }
  expect(toHtml(growing.whole(TEXT))).toContain('<a href="https://example.com/"');
});

test('what is settled is not read again', () => {
  const blocks = new Blocks(MARKDOWN);
  const [first] = blocks.read('one\n\ntwo\n\nthree\n\nfo', true);
  expect(blocks.read('one\n\ntwo\n\nthree\n\nfour', true)[0]).toBe(first);
  expect(blocks.read('another', true)).toMatchObject([{ raw: 'another' }]);
});

test('any line end', () => {
  const blocks = new Blocks(MARKDOWN);
  for (const text of ['a\r', 'a\r\n', 'a\r\n\r', 'a\r\n\r\nb']) blocks.read(text, true);
  expect(blocks.read('a\r\n\r\nb\rc', true).map(({ raw }) => raw)).toEqual(['a', '\n\n', 'b\nc']);
});

describe('code that is still written', () => {
  const open = (text: string) => openCode(new Blocks(MARKDOWN).read(text, true).at(-1)!);

  test.each([
    ['```', { text: '', language: '' }],
    ['```ty', { text: '', language: '' }],
    ['```ts x\nconst', { text: 'const', language: 'ts' }],
    ['```ts\na\n\n', { text: 'a\n\n', language: 'ts' }],
    ['```ts\na\n``', { text: 'a', language: 'ts' }],
    ['~~~~\n```\n~~~', { text: '```', language: '' }],
    ['```ts\na\n```', undefined],
    ['```ts\na\n```\n', undefined],
    ['```\n```', undefined],
    ['    indented', undefined],
    ['text', undefined],
  ])('%j', (text, code) => {
    expect(open(text)).toEqual(code);
  });
});

describe('HTML of an answer', () => {
  const html = (text: string) => toHtml(new Blocks(MARKDOWN).whole(text)).trim();

  test.each([
    ['use the <Foo bar="1"> tag', '<p>use the &lt;Foo bar=&quot;1&quot;&gt; tag</p>'],
    ['a<br>b H<sub>2</sub>O', '<p>a<br>b H<sub>2</sub>O</p>'],
    ['4.', '<p>4.</p>'],
    ['-', '<p>-</p>'],
    ['1. one', '<ol>\n<li>one</li>\n</ol>'],
    ['<sub onclick="x">', '<p>&lt;sub onclick=&quot;x&quot;&gt;</p>'],
    ['<div>\n*a*\n</div>', '<p>&lt;div&gt;\n*a*\n&lt;/div&gt;</p>'],
    ['# One', '<h3>One</h3>'],
    ['##### Five', '<h6>Five</h6>'],
    ['- [x] done', '<ul>\n<li><span class="task">☑</span> done</li>\n</ul>'],
    ['costs $5, or $10 for two', '<p>costs $5, or $10 for two</p>'],
    [
      'so $x<1$ and \\(y\\)',
      '<p>so <code class="math">x&lt;1</code> and <code class="math">y</code></p>',
    ],
    ['$$\nx\n$$', '<p><code class="math math-block">x</code></p>'],
    ['\\[x\n\n+ y\\]', '<p><code class="math math-block">x\n\n+ y</code></p>'],
    ['`$x$` \\$5', '<p><code>$x$</code> $5</p>'],
  ])('%j', (text, expected) => {
    expect(html(text)).toBe(expected);
  });

  test('links show where they lead, and lead nowhere but to the web and mail', () => {
    const made = html('[https://bank.example](https://bank.example@evil.example/?q=1)');
    const url = 'https://bank.example@evil.example/?q=1';
    expect(made).toBe(
      `<p><a href="${url}" title="${url}">https://bank.example <span class="host">(evil.example)</span></a></p>`,
    );
    expect(html('<https://example.com/a>')).not.toContain('host');
    expect(html('[m](mailto:a@example.com)')).toContain('(a@example.com)');
    for (const url of [
      'javascript:alert(1)',
      'JaVaScRiPt:x',
      'data:text/html,x',
      '/local',
      '#a',
      'file:///etc',
      'blob:x',
      'vbscript:x',
    ])
      expect(html(`[text](${url})`)).toBe('<p>text</p>');
  });

  test('a picture is a link', () => {
    const made = html('![plan](https://evil.example/?secret=1)');
    expect(made).not.toContain('<img');
    expect(made).toContain('>plan <span class="host">(evil.example)</span>');
  });
});

describe('rows of a list or table that grows', () => {
  const rows = (text: string) => rowsOf(new Blocks(MARKDOWN).read(text, true).at(-1)!)!;

  test.each([
    ['- a\n- b\n- c', '- a\n- b\n- c\n- d', 2],
    ['- a\n- b\n- c', '- a\n- b\n- cc', 1],
    ['- a\n- b\n- c', '- a\n- b\n- c\n\n- d', 0],
    ['- a\n- b\n- c', '1. a\n2. b\n3. c', 0],
    ['|a|\n|-|\n|1|\n|2|', '|a|\n|-|\n|1|\n|2|\n|3|', 1],
    ['|a|\n|-|\n|1|\n|2|', '|a|\n|-|\n|x|\n|2|\n|3|', 0],
  ])('%j to %j keeps %i', (before, now, n) => {
    expect(nSameRows(rows(before), rows(now))).toBe(n);
  });

  test('the rest has its head', () => {
    expect(sourceFrom(rows('|a|\n|-|\n|1|\n|2|'), 1)).toBe('|a|\n|-|\n|2|');
    expect(sourceFrom(rows('- a\n  more\n- b'), 1)).toBe('- b');
    expect(rowsOf(new Blocks(MARKDOWN).read('text', true)[0]!)).toBeUndefined();
  });
});
