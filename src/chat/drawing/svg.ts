/** SVG as text: elements, escaped, and the few styles that drawings use. */
import type { Box } from '../media-geometry.js';

export type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return `<${name}${given.join('')}>${children.join('')}</${name}>`;
}

export function rect(box: Box, style: Attributes): string {
  return element('rect', { ...rounded(box), ...style });
}

/** The picture fills the box, whatever its proportions. */
export function picture(box: Box, url: string): string {
  return element('image', { ...rounded(box), preserveAspectRatio: 'none', href: url });
}

export function text(x: number, y: number, said: string, style: Attributes = {}): string {
  return element('text', { x: round(x), y: round(y), ...style }, escaped(said));
}

/** Light lines, for what is only padding. */
export const HATCHED = { fill: 'url(#hatch)' };

function hatch(): string {
  const line = { d: 'M0 8L8 0', stroke: '#fff', 'stroke-opacity': 0.4 };
  const size = { id: 'hatch', width: 8, height: 8, patternUnits: 'userSpaceOnUse' };
  return element('defs', {}, element('pattern', size, element('path', line)));
}

export interface Drawn {
  svg: string;
  width: number;
  height: number;
}

/** One below the other on white, with a margin. */
export function page(parts: readonly Drawn[], margin: number): string {
  let y = margin;
  const placed = parts.map(({ svg, height }) => {
    const group = element('g', { transform: `translate(${margin} ${round(y)})` }, svg);
    y += height + margin;
    return group;
  });
  const width = Math.ceil(Math.max(...parts.map((part) => part.width)) + 2 * margin);
  const height = Math.ceil(y);
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  const font = { 'font-family': 'Helvetica, Arial, sans-serif', 'font-size': 13, fill: '#222' };
  return element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', ...size, ...font },
    hatch(),
    rect({ x: 0, y: 0, width, height }, { fill: '#fff' }),
    ...placed,
  );
}

function rounded({ x, y, width, height }: Box): Attributes {
  return { x: round(x), y: round(y), width: round(width), height: round(height) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** For text and attributes of SVG and HTML. */
export function escaped(value: string | number): string {
  const marks: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return String(value).replace(/[&<>"]/g, (mark) => marks[mark]!);
}
