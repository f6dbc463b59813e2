// Pages of reports: what models and data say stays text, the filters find what they should, bars have their lengths.
import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { barChart } from '../../../src/eval/html/bars.js';
import { BROWSE_SAMPLES } from '../../../src/eval/html/browse-samples.js';
import { htmlPage, htmlTable } from '../../../src/eval/html/page.js';

const HOSTILE = '</script><img src=x onerror=alert(1)>"\'&';

it('a page lets nothing run but its own script, and shows the rest as text', () => {
  const page = htmlPage({
    title: HOSTILE,
    body: htmlTable(['a', HOSTILE], [[HOSTILE, 1]]),
    data: { text: HOSTILE },
    script: 'let x;',
  });
  expect(page).not.toContain('<img');
  expect(page.match(/<\/script>/g)).toHaveLength(2);
  const [, data] = /id="data">(.*)<\/script>\n<script>/.exec(page)!;
  expect(JSON.parse(data!)).toEqual({ text: HOSTILE });
  const hash = createHash('sha256').update('let x;').digest('base64');
  expect(page).toContain(`script-src &#39;sha256-${hash}&#39;`.replaceAll('&#39;', "'"));
  expect(page).toContain("default-src 'none'");
  expect(page).toContain('<td class="number">1</td>');
});

it('bars end where their values lie', () => {
  const svg = barChart([
    { label: '<a>', value: 50, said: '50', interval: [40, 60], mark: 75, full: 100 },
    { label: 'b', value: null, said: 'not scored', full: 100 },
  ]);
  expect(svg).toContain('&lt;a&gt;');
  expect(svg).toContain('<rect x="200" y="7" width="260" height="14" class="value">');
  expect(svg).toContain('<line x1="408" x2="512" y1="14" y2="14" class="interval"');
  expect(svg).toContain('<line x1="590" x2="590" y1="3" y2="25" class="mark"');
  expect(svg.match(/class="value"/g)).toHaveLength(1);
});

/** As much of a document as the script uses. */
class Node {
  readonly tag: string;
  children: Node[] = [];
  textContent = '';
  value = '';
  hidden = false;
  readonly #listeners = new Map<string, () => void>();

  constructor(tag: string) {
    this.tag = tag;
  }
  append(...nodes: Node[]) {
    this.children.push(...nodes);
  }
  replaceChildren() {
    this.children = [];
  }
  addEventListener(name: string, listener: () => void) {
    this.#listeners.set(name, listener);
  }
  fire(name: string) {
    this.#listeners.get(name)!();
  }
  get text(): string {
    return this.textContent + this.children.map(({ text }) => text).join(' ');
  }
}

it('samples are filtered by benchmark, score and words, and come some at a time', () => {
  const sample = (benchmark: string, id: number, more: object) => ({
    ...{
      benchmark,
      id: `${id}`,
      category: '',
      prompt: 'What?',
      answer: `A${id}`,
      gold: '',
      score: 1,
    },
    ...{ problem: '', pictures: [] as string[] },
    ...more,
  });
  const samples = [
    ...Array.from({ length: 50 }, (_, i) => sample('one', i, {})),
    sample('two', 1, { score: 0, pictures: ['data:image/jpeg;base64,AA=='] }),
    sample('two', 2, { score: null, problem: 'ERR_IMAGE_DECODE: x' }),
    sample('two', 3, { score: null, problem: 'no public answers' }),
  ];
  const nodes = new Map<string, Node>();
  const getElementById = (id: string) => {
    const node = nodes.get(id) ?? new Node(id);
    nodes.set(id, node);
    return node;
  };
  getElementById('data').textContent = JSON.stringify({ samples });
  runInNewContext(BROWSE_SAMPLES, {
    document: { getElementById, createElement: (tag: string) => new Node(tag) },
  });
  const [list, count, more] = ['samples', 'count', 'more'].map(getElementById);
  const choose = (id: string, value: string) => {
    getElementById(id).value = value;
    getElementById(id).fire('input');
    return count!.textContent;
  };
  expect([count!.textContent, list!.children.length, more!.hidden]).toEqual([
    '40 of 53',
    40,
    false,
  ]);
  more!.fire('click');
  expect([count!.textContent, list!.children.length, more!.hidden]).toEqual(['53 of 53', 53, true]);
  expect(choose('benchmark', 'two')).toBe('3 of 3');
  expect(choose('kind', 'failed')).toBe('1 of 1');
  expect(list!.text).toContain('ERR_IMAGE_DECODE');
  expect(choose('kind', 'unscored')).toBe('1 of 1');
  expect(choose('kind', 'zero')).toBe('1 of 1');
  expect(list!.children[0]!.children[0]!.tag).toBe('img');
  expect(choose('kind', '')).toBe('3 of 3');
  expect(choose('words', 'a2')).toBe('1 of 1');
});
