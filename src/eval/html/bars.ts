/** Bars, one below the other, each on a scale of its own: a value, its interval, and a mark to compare it with. */
import { element, rect, text } from '../../chat/drawing/svg.js';

export interface Bar {
  label: string;
  value: number | null;
  /** Behind the bar. */
  said: string;
  interval?: readonly [number, number] | null;
  /** A line across the bar. */
  mark?: number | null;
  /** What the whole width stands for. */
  full: number;
}

const LABEL = 200;
const WIDTH = 520;
const SAID = 240;
const STEP = 28;
const THICK = 14;

export function barChart(bars: readonly Bar[]): string {
  const height = bars.length * STEP;
  const size = { viewBox: `0 0 ${LABEL + WIDTH + SAID} ${height}`, role: 'img', class: 'chart' };
  return element('svg', size, ...bars.map((bar, i) => drawBar(bar, i * STEP)));
}

function drawBar({ label, value, said, interval, mark, full }: Bar, y: number): string {
  const at = (of: number) => LABEL + (WIDTH * Math.min(Math.max(of, 0), full)) / full;
  const top = y + (STEP - THICK) / 2;
  const middle = y + STEP / 2;
  const line = (x1: number, x2: number, y1: number, y2: number, name: string) =>
    element('line', { x1, x2, y1, y2, class: name, 'stroke-width': 2 });
  const drawn = [text(LABEL - 8, middle + 4, label, { 'text-anchor': 'end' })];
  const whole = { x: LABEL, y: top, width: WIDTH, height: THICK };
  drawn.push(rect(whole, { fill: 'currentColor', 'fill-opacity': 0.08 }));
  if (value !== null) drawn.push(rect({ ...whole, width: at(value) - LABEL }, { class: 'value' }));
  if (interval) drawn.push(line(at(interval[0]), at(interval[1]), middle, middle, 'interval'));
  if (mark !== null && mark !== undefined)
    drawn.push(line(at(mark), at(mark), top - 4, top + THICK + 4, 'mark'));
  return [...drawn, text(LABEL + WIDTH + 10, middle + 4, said)].join('');
}
